using System.Net;
using System.Net.NetworkInformation;

namespace Llasta.Web;

/// <summary>How the program was started: as a service, by a developer, or by a person who only wants to chat.</summary>
/// <param name="IsInteractive">
/// Nothing says which environment this is, and it is no container: a person started the program on their own machine. They get a port
/// that is free and lines to read instead of the log of the start.
/// </param>
/// <param name="MaySearch">
/// A model server that isn't named is looked for on this machine. Only by hand and in Development: a service whose setting is missing
/// must not start.
/// </param>
internal sealed record Launch(bool IsInteractive, bool MaySearch)
{
    private const int DefaultPort = 8080;

    private const int LastPort = 8089;

    /// <summary>.NET's images set this, and so do ours.</summary>
    internal static bool InContainer => Environment.GetEnvironmentVariable("DOTNET_RUNNING_IN_CONTAINER") is "true" or "1";

    internal static Launch Of(string[] args, IHostEnvironment environment)
    {
        // As the framework reads it. The application's configuration also contains other programs' variables, such as ENVIRONMENT.
        var named = new ConfigurationBuilder().AddEnvironmentVariables("DOTNET_").AddEnvironmentVariables("ASPNETCORE_").AddCommandLine(args).Build()[HostDefaults.EnvironmentKey];
        var byHand = string.IsNullOrEmpty(named) && !InContainer;
        return new(byHand, MaySearch: byHand || environment.IsDevelopment());
    }

    /// <summary>The address to listen on if no setting names one. By hand, another port if something listens on the default one, as llama.cpp does by default.</summary>
    internal string DefaultAddress()
    {
        var port = DefaultPort;
        if (IsInteractive)
        {
            var taken = TakenPorts();
            while (taken.Contains(port) && port < LastPort)
                port++;
        }

        return $"http://localhost:{port}";
    }

    private static HashSet<int> TakenPorts()
    {
        try
        {
            return [.. IPGlobalProperties.GetIPGlobalProperties().GetActiveTcpListeners().Select(listener => listener.Port)];
        }
        catch (NetworkInformationException)
        {
            // The system doesn't tell, for example without /proc. A taken port is then an error at start.
            return [];
        }
    }
}
