using System.ComponentModel;
using System.Diagnostics;

namespace Llasta.AppHost.Model;

/// <summary>The kinds of server that the model can be.</summary>
public enum ModelBackend
{
    /// <summary>vLLM in a container, with every NVIDIA GPU of the machine.</summary>
    Gpu,

    /// <summary>vLLM's CPU image with a small Qwen3: real answers, slowly.</summary>
    Cpu,

    /// <summary><c>vllm serve</c> from a Python environment on this machine.</summary>
    Python,

    /// <summary>Any OpenAI-compatible server that already runs, at <c>Model:BaseUrl</c>.</summary>
    External,

    /// <summary>Llasta.ModelSim: vLLM's dialect without a model.</summary>
    Sim,
}

/// <summary>A backend, and the reason for the choice in words for the log and the dashboard.</summary>
public sealed record BackendChoice(ModelBackend Backend, string Reason) : IResourceAnnotation
{
    /// <summary>
    /// The setting decides. Without a setting the backend is <c>gpu</c> for publishing and on a machine with an NVIDIA GPU
    /// and a container runtime, and <c>sim</c> on any other machine.
    /// </summary>
    /// <exception cref="SettingException">The setting names no backend, or one that can't be published.</exception>
    public static BackendChoice Make(string? setting, bool publishing, Func<bool> hasGpu, Func<bool> hasContainerRuntime)
    {
        if (!string.IsNullOrWhiteSpace(setting))
        {
            if (!Enum.TryParse<ModelBackend>(setting, ignoreCase: true, out var chosen) || !Enum.IsDefined(chosen))
                throw new SettingException($"Model:Backend is '{setting}'; it must be gpu, cpu, python, external or sim.");
            if (publishing && chosen == ModelBackend.Python)
                throw new SettingException("Model:Backend is 'python', which runs on this machine only; publish gpu, cpu, external or sim.");
            return new(chosen, "Model:Backend says so");
        }

        if (publishing)
            return new(ModelBackend.Gpu, "that is the default for publishing");
        if (!hasGpu())
            return new(ModelBackend.Sim, "no NVIDIA GPU was found on this machine");
        return hasContainerRuntime()
            ? new(ModelBackend.Gpu, "an NVIDIA GPU and a container runtime were found")
            : new(ModelBackend.Sim, "an NVIDIA GPU was found, but no running container runtime (Docker or Podman) to give it to");
    }

    internal static bool MachineHasGpu() => Succeeds("nvidia-smi", "--list-gpus");

    /// <summary><c>info</c> asks the runtime's server; a client without a running server is common.</summary>
    internal static bool MachineHasContainerRuntime()
    {
        var runtime = Environment.GetEnvironmentVariable("ASPIRE_CONTAINER_RUNTIME");
        return runtime is null ? Succeeds("docker", "info") || Succeeds("podman", "info") : Succeeds(runtime, "info");
    }

    private static bool Succeeds(string command, string argument)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(command, argument) { RedirectStandardOutput = true, RedirectStandardError = true })!;
            process.OutputDataReceived += (_, _) => { };
            process.ErrorDataReceived += (_, _) => { };
            process.BeginOutputReadLine();
            process.BeginErrorReadLine();
            if (process.WaitForExit(TimeSpan.FromSeconds(10)))
                return process.ExitCode == 0;
            process.Kill();
            return false;
        }
        catch (Win32Exception)
        {
            return false; // no such command
        }
    }
}
