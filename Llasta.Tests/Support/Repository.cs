using System.Runtime.CompilerServices;

namespace Llasta.Tests.Support;

/// <summary>Finds the files of this repository that tests read.</summary>
internal static class Repository
{
    private static readonly string Root = Directory.GetParent(Here())!.Parent!.Parent!.FullName;

    /// <param name="relative">A path inside the repository.</param>
    public static string Path(string relative) => System.IO.Path.Combine(Root, relative);

    private static string Here([CallerFilePath] string path = "") => path;
}
