using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Options;

namespace Llasta.ServiceDefaults;

/// <summary>Starts a service, or says in one line why it can't.</summary>
public static class StartUp
{
    /// <summary>
    /// Builds and runs the service until it is told to stop.
    /// </summary>
    /// <returns>The process's exit code: 0, or 1 when a setting is wrong or the address is taken; one line on standard error then says which.</returns>
    public static async Task<int> RunAsync(Func<WebApplication> build)
    {
        try
        {
            await using var app = build();
            await app.RunAsync();
            return 0;
        }
        catch (Exception e) when (Explain(e) is { } line)
        {
            await Console.Error.WriteLineAsync(line);
            return 1;
        }
    }

    private static string? Explain(Exception e) => e switch
    {
        OptionsValidationException invalid => string.Join(" ", invalid.Failures),
        // A value that doesn't convert: the configuration binder's message names value, path and type.
        InvalidOperationException { Source: "Microsoft.Extensions.Configuration.Binder" or "Microsoft.Extensions.Options.ConfigurationExtensions" } => e.Message,
        IOException { InnerException: Microsoft.AspNetCore.Connections.AddressInUseException } =>
            $"{e.Message} Stop what listens there, or choose another address with --urls or ASPNETCORE_URLS.",
        FormatException => e.Message,
        _ => null,
    };
}
