namespace Llasta.AppHost.Model;

internal static class PythonEnvironment
{
    /// <summary>Adds a command of a Python environment: one that uv creates where the folder has a pyproject.toml, otherwise its <c>.venv</c>.</summary>
    public static IResourceBuilder<ExecutableResource> AddPythonCommand(this IDistributedApplicationBuilder builder, string name, string directory, string command)
    {
        var process = builder.AddPythonExecutable(name, directory, command);
        return File.Exists(Path.Combine(builder.AppHostDirectory, directory, "pyproject.toml"))
            ? process.WithUv()
            : process.WithVirtualEnvironment(".venv", createIfNotExists: false);
    }
}
