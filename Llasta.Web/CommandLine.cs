using System.CommandLine;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;
using System.ComponentModel;
using System.Diagnostics;
using System.Reflection;
using System.Text.RegularExpressions;
using Llasta.ChatApi.Upstream;
using Llasta.ServiceDefaults;

namespace Llasta.Web;

/// <summary>The options of <c>llasta</c>. They are short forms of settings; all settings can be given as arguments, too.</summary>
internal static partial class CommandLine
{
    /// <summary>Runs the program until it is told to stop.</summary>
    /// <returns>The exit code of the process.</returns>
    internal static async Task<int> RunAsync(string[] args)
    {
        var model = new Option<string>("--model") { HelpName = "URL", Description = $"The model server's address, which ends in /v1, like http://localhost:8000/v1; or '{ModelChoice.Simulator}'. Without it, llasta looks for a server on this machine." };
        var keyFile = new Option<string>("--key-file") { HelpName = "FILE", Description = "A file that contains the model server's key." };
        var port = new Option<int?>("--port") { HelpName = "N", Description = "The page's port on this machine; 0 for a free one. [default: 8080, or the next free one]" };
        var open = new Option<bool>("--open") { Description = "Opens the page in the browser." };
        port.Validators.Add(result =>
        {
            if (result.Tokens.Count == 1 && (!int.TryParse(result.Tokens[0].Value, out var value) || value is < 0 or > 65535))
                result.AddError($"--port is '{result.Tokens[0].Value}'; it must be a port from 0 to 65535.");
        });
        var settings = new Argument<string[]>("SETTING") { Arity = ArgumentArity.ZeroOrMore, Description = $"Any setting, like --Chat:Model=NAME or --urls=http://0.0.0.0:8080; also as environment variables. {Metadata("RepositoryUrl")}#settings lists them." };
        settings.Validators.Add(result =>
        {
            foreach (var token in NotSettings(result.Tokens))
                result.AddError(token.StartsWith('-') ? $"{token} is not an option. llasta --help lists the options." : $"'{token}' belongs to no option. To name the model's server: --model URL");
        });
        var command = new RootCommand("A chat page for your own model.") { model, keyFile, port, open, settings };
        command.Options.OfType<VersionOption>().Single().Action = new PrintVersion();
        command.SetAction((result, _) => StartUp.RunAsync(async () =>
        {
            List<string> all = [.. result.GetValue(settings) ?? []];
            if (result.GetValue(model) is { } address)
                all.Add($"--{ModelServerOptions.BaseUrlSetting}={address}");
            if (result.GetValue(keyFile) is { } file)
                all.Add($"--{ModelServerOptions.ApiKeyFileSetting}={file}");
            if (result.GetValue(port) is { } number)
                all.Add($"--urls={AddressOf(number)}");
            var app = await ChatbotApplication.CreateAsync([.. all]);
            if (result.GetValue(open))
                app.Lifetime.ApplicationStarted.Register(() => OpenBrowser(ChatbotApplication.PageAddress(app)));
            return app;
        }));

        var parsed = command.Parse(args, new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (parsed.Action is ParseErrorAction errors)
            errors.ShowHelp = false;
        // The host handles the stop signals and ends running answers gracefully.
        return await parsed.InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = null, EnableDefaultExceptionHandler = false });
    }

    private static string AddressOf(int port) => port switch
    {
        // Inside a container, localhost can't be reached from outside.
        _ when Launch.InContainer => $"http://*:{port}",
        // The framework chooses no free port for localhost, which has two addresses.
        0 => "http://127.0.0.1:0",
        _ => $"http://localhost:{port}",
    };

    /// <summary>The tokens that can't be settings: otherwise a misspelt option would be ignored.</summary>
    private static IEnumerable<string> NotSettings(IReadOnlyList<Token> tokens)
    {
        var isValue = false;
        foreach (var token in tokens.Select(token => token.Value))
        {
            var isSetting = Setting().IsMatch(token);
            if (!isSetting && !isValue)
                yield return token;
            // --Name Value or --Name=Value
            isValue = token.StartsWith("--", StringComparison.Ordinal) && !token.Contains('=', StringComparison.Ordinal);
        }
    }

    /// <summary>The names of settings have a colon or an underscore, except two of the framework's.</summary>
    [GeneratedRegex("^--([A-Za-z]+[:_][^=]+|urls|environment)(=|$)", RegexOptions.CultureInvariant)]
    private static partial Regex Setting();

    private static void OpenBrowser(string address)
    {
        try
        {
            using var browser = Process.Start(new ProcessStartInfo(address) { UseShellExecute = true });
        }
        catch (Win32Exception)
        {
            Console.WriteLine($"No browser could be opened. Open {address} yourself.");
        }
    }

    /// <summary>What the build has written into the program.</summary>
    private static string? Metadata(string key) =>
        typeof(CommandLine).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().FirstOrDefault(data => data.Key == key)?.Value;

    private sealed class PrintVersion : SynchronousCommandLineAction
    {
        public override int Invoke(ParseResult parseResult)
        {
            var version = typeof(CommandLine).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion.Split('+');
            Console.WriteLine(version.Length == 1 ? $"llasta {version[0]}" : $"llasta {version[0]} (commit {version[1]}, {Metadata("CommitDate")})");
            return 0;
        }
    }
}
