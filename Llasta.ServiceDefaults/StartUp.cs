using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
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
            await Console.Error.WriteLineAsync(line);
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

    private static string? Explain(Exception e) => e switch
    {
        OptionsValidationException invalid => string.Join(" ", invalid.Failures),
        IOException { InnerException: AddressInUseException } =>
            $"{e.Message} Stop the program that listens there, or choose another address with --urls or ASPNETCORE_URLS.",
        _ => null,
    };
}
