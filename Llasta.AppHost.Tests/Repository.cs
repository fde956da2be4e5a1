namespace Llasta.AppHost.Tests;

internal static class Repository
{
    public static string Root { get; } = Find();

    public static string Manifests => Path.Combine(Root, "aspire-manifests");

    private static string Find()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "Llasta.sln")))
            folder = Path.GetDirectoryName(folder) ?? throw new DirectoryNotFoundException("The tests run outside the repository.");
        return folder;
    }
}
