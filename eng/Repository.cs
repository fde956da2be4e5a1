namespace Llasta;

/// <summary>The folder of this repository, for tests and benchmarks. Projects that need it compile this file.</summary>
internal static class Repository
{
    /// <param name="relative">A path relative to the repository's folder, with <c>/</c> as separator; empty for that folder.</param>
    /// <returns>The absolute path. The file or folder doesn't have to exist.</returns>
    /// <exception cref="InvalidOperationException">No folder above the running program contains <c>Llasta.sln</c>.</exception>
    public static string PathOf(string relative)
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Llasta.sln")))
                return Path.Combine(folder.FullName, relative);
        }

        throw new InvalidOperationException($"Llasta.sln was not found in a folder above {AppContext.BaseDirectory}: run this inside the repository.");
    }
}
