// In place of Kubernetes/ and Model/PythonEnvironment.cs where AspireIntegrations=false leaves out Aspire.Hosting.Kubernetes
// and Aspire.Hosting.Python. Run mode is complete; publishing is refused.

using Llasta.AppHost.Model;

namespace Llasta.AppHost.Kubernetes
{
    internal static class WithoutKubernetes
    {
        /// <exception cref="SettingException">The AppHost was started to publish.</exception>
        public static void AddKubernetes(this IDistributedApplicationBuilder builder)
        {
            if (builder.ExecutionContext.IsPublishMode)
                throw new SettingException("This AppHost was built with AspireIntegrations=false, without Aspire.Hosting.Kubernetes, so it can't publish. Build it without that property.");
        }

        public static void AddNamespacePolicies(this IDistributedApplicationBuilder builder, string file)
        {
        }

        public static ModelConnection PublishAsModelServer(this ModelConnection model) => model;

        public static IResourceBuilder<ProjectResource> PublishAsService(this IResourceBuilder<ProjectResource> service) => service;

        public static IResourceBuilder<ProjectResource> PublishAsClientOf(this IResourceBuilder<ProjectResource> client, ModelConnection model) => client;
    }
}

namespace Llasta.AppHost.Model
{
    internal static class PythonEnvironment
    {
        /// <summary>Adds a command of a Python environment: <c>uv run</c> where the folder has a pyproject.toml, otherwise the command in its <c>.venv</c>.</summary>
        public static IResourceBuilder<ExecutableResource> AddPythonCommand(this IDistributedApplicationBuilder builder, string name, string directory, string command)
        {
            var folder = Path.GetFullPath(directory, builder.AppHostDirectory);
            if (File.Exists(Path.Combine(folder, "pyproject.toml")))
                return builder.AddExecutable(name, "uv", folder, "run", command);

            var script = OperatingSystem.IsWindows() ? Path.Combine(".venv", "Scripts", $"{command}.exe") : Path.Combine(".venv", "bin", command);
            return builder.AddExecutable(name, Path.Combine(folder, script), folder);
        }
    }
}
