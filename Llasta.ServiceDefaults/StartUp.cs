using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Llasta.ServiceDefaults;

/// <summary>Starts a service, or says in one line why it can't.</summary>
public static class StartUp
{
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

    /// <summary>Checks where a service is to listen. What the server says about a wrong address doesn't name the setting.</summary>
    /// <param name="configuration">The service's settings.</param>
    /// <exception cref="OptionsValidationException">An address is wrong, or https: the services have no TLS of their own.</exception>
    internal static void CheckAddresses(IConfiguration configuration)
    {
        var wrong = configuration[WebHostDefaults.ServerUrlsKey]?.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).FirstOrDefault(address => !IsAddress(address));
        if (wrong is not null)
            throw new OptionsValidationException(WebHostDefaults.ServerUrlsKey, typeof(string), [$"--urls or ASPNETCORE_URLS has '{wrong}'; it must be an http address without a path, like http://127.0.0.1:8080, or several with semicolons between them."]);
        if (!string.IsNullOrEmpty(configuration[WebHostDefaults.HttpsPortsKey]))
            throw new OptionsValidationException(WebHostDefaults.HttpsPortsKey, typeof(string), ["ASPNETCORE_HTTPS_PORTS is set, but the service has no TLS of its own; put a proxy in front of it and set ASPNETCORE_HTTP_PORTS."]);
    }

    /// <summary>Checks the levels of the log, for the same reason.</summary>
    /// <param name="configuration">The service's settings.</param>
    /// <exception cref="OptionsValidationException">A level is none.</exception>
    internal static void CheckLogLevels(IConfiguration configuration)
    {
        foreach (var (path, level) in configuration.GetSection("Logging").AsEnumerable())
        {
            if (path.Contains(":LogLevel:", StringComparison.OrdinalIgnoreCase) && !string.IsNullOrEmpty(level) && !Enum.TryParse<LogLevel>(level, ignoreCase: true, out _))
                throw new OptionsValidationException(path, typeof(LogLevel), [$"{path} is '{level}'; it must be {string.Join(", ", Enum.GetNames<LogLevel>())}."]);
        }
    }

    private static bool IsAddress(string value)
    {
        try
        {
            return BindingAddress.Parse(value) is { PathBase: "", Port: >= 0 and <= IPEndPoint.MaxPort } address && address.Scheme.Equals(Uri.UriSchemeHttp, StringComparison.OrdinalIgnoreCase);
        }
        catch (FormatException)
        {
            return false;
        }
    }

    private static string? Explain(Exception e) => e switch
    {
        OptionsValidationException invalid => string.Join(" ", invalid.Failures),
        // A setting of the wrong type.
        InvalidOperationException { InnerException: FormatException format } => $"{e.Message} {format.Message}",
        SocketException => $"The service can't listen at its address: {e.Message}. Choose another one with --urls or ASPNETCORE_URLS.",
        IOException { InnerException: AddressInUseException } =>
            $"{e.Message} Stop the program that listens there, or choose another address with --urls or ASPNETCORE_URLS.",
        _ => null,
    };
}
