using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Options;

namespace Llasta.ServiceDefaults;

/// <summary>Starts a service, or says in one line why it can't.</summary>
public static class StartUp
{
    /// <summary>Creates and runs the service until it is told to stop.</summary>
    /// <returns>The process's exit code: 0, or 1 when a setting is wrong or the address is taken; one line on standard error then says which.</returns>
    public static async Task<int> RunAsync(Func<Task<WebApplication>> create)
    {
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

    private static string? Explain(Exception e) => e switch
    {
        OptionsValidationException invalid => string.Join(" ", invalid.Failures),
        // A value of the wrong type, or a name that isn't known; the message has the setting's path.
        InvalidOperationException when e.StackTrace?.Contains("Microsoft.Extensions.Configuration", StringComparison.Ordinal) == true =>
            e.InnerException is FormatException format ? $"{e.Message} {format.Message}" : e.Message,
        IOException { InnerException: AddressInUseException } =>
            $"{e.Message} Stop what listens there, or choose another address with --urls or ASPNETCORE_URLS.",
        _ => null,
    };
}
