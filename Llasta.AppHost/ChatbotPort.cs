using System.Globalization;
using System.Net;
using System.Net.NetworkInformation;
using Microsoft.Extensions.Configuration;

namespace Llasta.AppHost;

/// <summary>The page's port on this machine, <c>Chatbot:Port</c>.</summary>
internal static class ChatbotPort
{
    private const string Setting = "Chatbot:Port";

    private const int Default = 8080;

    /// <summary>
    /// Reads the port, and checks before the start that it is free: Aspire's proxy doesn't report a port that is taken
    /// (microsoft/aspire#9717).
    /// </summary>
    /// <exception cref="SettingException">The setting is not a port.</exception>
    public static int Of(IDistributedApplicationBuilder builder)
    {
        var value = builder.Configuration[Setting];
        var port = Default;
        if (!string.IsNullOrEmpty(value) && (!int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out port) || port is < 1 or > 65535))
            throw new SettingException($"{Setting} is '{value}'; it must be a port from 1 to 65535.");

        // `aspire run --isolated` and the tests let Aspire choose every port.
        if (builder.ExecutionContext.IsRunMode && !builder.Configuration.GetValue<bool>("DcpPublisher:RandomizePorts"))
            builder.Eventing.Subscribe<BeforeStartEvent>((_, _) => IsTaken(port)
                ? throw new SettingException($"Port {port} is taken, so the page can't be served there. Stop what listens on it, or choose another port with {Setting}.")
                : Task.CompletedTask);
        return port;
    }

    /// <summary>Whether something listens on the port at an address that localhost can reach.</summary>
    private static bool IsTaken(int port) => IPGlobalProperties.GetIPGlobalProperties().GetActiveTcpListeners().Any(listener =>
        listener.Port == port && (IPAddress.IsLoopback(listener.Address) || listener.Address.Equals(IPAddress.Any) || listener.Address.Equals(IPAddress.IPv6Any)));
}
