using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;
using Microsoft.Extensions.Options;

namespace Llasta.ServiceDefaults;

/// <summary>Starts a service, or says in one line why it can't.</summary>
public static class StartUp
{
    /// <summary>The framework's setting of the log's form.</summary>
    internal const string LogFormat = "Logging:Console:FormatterName";

    private static readonly string[] LogFormats = [ConsoleFormatterNames.Simple, ConsoleFormatterNames.Json, ConsoleFormatterNames.Systemd];

    /// <summary>Creates and runs the service until it is told to stop.</summary>
    /// <param name="create">Creates the service.</param>
    /// <returns>
    /// The exit code of the process: 0, or 1 when a setting is wrong or the address is taken. One line on standard error then names the
    /// setting or the address.
    /// </returns>
    public static async Task<int> RunAsync(Func<Task<WebApplication>> create)
    {
        ArgumentNullException.ThrowIfNull(create);
        try
        {
            await using var app = await create();
            await app.RunAsync();
            return 0;
        }
        catch (Exception e) when (Explain(e) is { } line)
        {
            await Console.Error.WriteLineAsync(line.ReplaceLineEndings(" "));
            return 1;
        }
    }

    /// <summary>
    /// Keeps a service's builder from watching the files of its settings. They don't change while it runs, and a service that watches files
    /// doesn't start where the user's inotify instances are in use ("The configured user limit (128) on the number of inotify instances has
    /// been reached").
    /// </summary>
    /// <param name="args">The service's arguments, which take precedence.</param>
    /// <returns>The arguments for the builder.</returns>
    public static string[] WithoutWatching(string[] args) => ["--hostBuilder:reloadConfigOnChange=false", .. args];

    /// <summary>
    /// Binds settings; a value of the wrong type or an unknown name becomes an <see cref="OptionsValidationException"/>, which
    /// <see cref="RunAsync"/> reports in one line.
    /// </summary>
    /// <param name="section">The section of the settings.</param>
    /// <param name="bind">Binds them.</param>
    /// <exception cref="OptionsValidationException">A setting could not be bound; the message has its path.</exception>
    public static void Bind(string section, Action bind)
    {
        ArgumentNullException.ThrowIfNull(bind);
        try
        {
            bind();
        }
        catch (InvalidOperationException e)
        {
            throw new OptionsValidationException(section, typeof(object), [e.InnerException is FormatException format ? $"{e.Message} {format.Message}" : e.Message]);
        }
    }

    /// <summary>An address as it may be shown: without a user name and a password.</summary>
    /// <param name="address">The address, as it was set; it may be none.</param>
    public static string WithoutCredentials(string address)
    {
        ArgumentNullException.ThrowIfNull(address);
        var end = address.LastIndexOf('@');
        var scheme = address.IndexOf("://", StringComparison.Ordinal);
        var start = scheme < 0 ? 0 : scheme + "://".Length;
        return end < start ? address : $"{address[..start]}…{address[end..]}";
    }

    /// <summary>Whether a service can listen at an address: http, and an IP address, <c>*</c>, <c>localhost</c> or <c>unix:/path</c>.</summary>
    /// <remarks>Names under <c>.localhost</c> count as localhost. The framework takes any other name, and a port that is no number, for all addresses of the machine.</remarks>
    /// <param name="value">The address as it was set.</param>
    public static bool IsAddress(string? value)
    {
        try
        {
            return value is not null
                && BindingAddress.Parse(value) is { PathBase: "", Port: >= 0 and <= IPEndPoint.MaxPort } address
                && address.Scheme.Equals(Uri.UriSchemeHttp, StringComparison.OrdinalIgnoreCase)
                && (address.IsUnixPipe || address.Host is "*" or "+" || IPAddress.TryParse(address.Host, out _)
                    // It has two addresses, for which the framework chooses no free port.
                    || (IsLocalhost(address.Host) && address.Port > 0));
        }
        catch (FormatException)
        {
            return false;
        }
    }

    private static bool IsLocalhost(string host) =>
        host.Equals("localhost", StringComparison.OrdinalIgnoreCase) || host.EndsWith(".localhost", StringComparison.OrdinalIgnoreCase);

    /// <summary>Checks where a service is to listen. What the server says about a wrong address doesn't name the setting.</summary>
    /// <param name="configuration">The service's settings.</param>
    /// <exception cref="OptionsValidationException">An address is wrong, or https: the services have no TLS of their own.</exception>
    internal static void CheckAddresses(IConfiguration configuration)
    {
        foreach (var address in Several(configuration[WebHostDefaults.ServerUrlsKey]))
            CheckAddress("--urls or ASPNETCORE_URLS", address, "; or several with semicolons between them");
        foreach (var endpoint in configuration.GetSection("Kestrel:Endpoints").GetChildren())
            CheckAddress($"{endpoint.Path}:Url", endpoint["Url"]);
        if (Several(configuration[WebHostDefaults.HttpPortsKey]).FirstOrDefault(port => !ushort.TryParse(port, NumberStyles.None, CultureInfo.InvariantCulture, out _)) is { } wrong)
            throw new OptionsValidationException(WebHostDefaults.HttpPortsKey, typeof(string), [$"ASPNETCORE_HTTP_PORTS has '{wrong}'; it must be a port from 0 to {IPEndPoint.MaxPort}, or several with semicolons between them."]);
        if (!string.IsNullOrEmpty(configuration[WebHostDefaults.HttpsPortsKey]))
            throw new OptionsValidationException(WebHostDefaults.HttpsPortsKey, typeof(string), ["ASPNETCORE_HTTPS_PORTS is set, but the service has no TLS of its own; put a proxy in front of it and set ASPNETCORE_HTTP_PORTS."]);

        static string[] Several(string? value) => value?.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) ?? [];
    }

    private static void CheckAddress(string setting, string? address, string orSeveral = "")
    {
        if (!IsAddress(address))
            throw new OptionsValidationException(setting, typeof(string), [$"{setting} has '{address}'; it must be an http address without a path, like http://127.0.0.1:8080, with an IP address, *, or localhost and a port{orSeveral}."]);
    }

    /// <summary>Checks the levels and the form of the log, for the same reason.</summary>
    /// <param name="configuration">The service's settings.</param>
    /// <exception cref="OptionsValidationException">A level or the form is none.</exception>
    internal static void CheckLog(IConfiguration configuration)
    {
        if (configuration[LogFormat] is { Length: > 0 } format && !LogFormats.Contains(format, StringComparer.OrdinalIgnoreCase))
            throw new OptionsValidationException(LogFormat, typeof(string), [$"{LogFormat} is '{format}'; it must be {string.Join(", ", LogFormats)}."]);
        foreach (var (path, level) in configuration.GetSection("Logging").AsEnumerable())
        {
            if (path.Contains(":LogLevel:", StringComparison.OrdinalIgnoreCase) && !string.IsNullOrEmpty(level) && !Enum.TryParse<LogLevel>(level, ignoreCase: true, out _))
                throw new OptionsValidationException(path, typeof(LogLevel), [$"{path} is '{level}'; it must be {string.Join(", ", Enum.GetNames<LogLevel>())}."]);
        }
    }

    private static string? Explain(Exception e) => e switch
    {
        OptionsValidationException invalid => string.Join(" ", invalid.Failures),
        // A setting of the wrong type.
        InvalidOperationException { InnerException: FormatException format } => $"{e.Message} {format.Message}",
        SocketException => $"The service can't listen at its address: {e.Message}. Choose another one with --urls or ASPNETCORE_URLS.",
        // A killed program leaves the file of its Unix socket.
        IOException { InnerException: AddressInUseException } =>
            $"{e.Message} Stop the program that listens there{(e.Message.Contains("http://unix:", StringComparison.Ordinal) ? " (or delete the file, if none does)" : "")}, or choose another address with --urls or ASPNETCORE_URLS.",
        _ => null,
    };
}
