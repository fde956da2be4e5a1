using Llasta.ChatApi.Upstream;
using Llasta.ModelSim;

namespace Llasta.Web;

/// <summary>The model server that answers when nobody has named one.</summary>
/// <param name="BaseUrl">The address, which ends in <c>/v1</c>; null for the simulator.</param>
/// <param name="Lines">For the person who started the program: what was found, what is used, and how to choose another.</param>
internal sealed record ModelChoice(string? BaseUrl, IReadOnlyList<string> Lines)
{
    /// <summary>The value of <see cref="ModelServerOptions.BaseUrlSetting"/> that selects the simulator.</summary>
    internal const string Simulator = "simulator";

    /// <summary>Sets the address of the model's server, unless it is set. Without permission to guess, a missing address stays missing, which is an error at start.</summary>
    /// <returns>Lines for the person who started the program.</returns>
    internal static async Task<IReadOnlyList<string>> ApplyAsync(ConfigurationManager configuration, bool guess)
    {
        var address = configuration[ModelServerOptions.BaseUrlSetting];
        if (address == Simulator)
        {
            configuration[ModelServerOptions.BaseUrlSetting] = await StartSimulatorAsync();
            return guess ? ["The simulator answers, not a model."] : [];
        }

        if (!string.IsNullOrEmpty(address))
            return guess ? [$"The model's server is {address}."] : [];
        if (!guess)
            return [];

        var choice = Among(await LocalModelServers.FindAsync());
        if (choice.BaseUrl is null)
            choice = choice with { BaseUrl = await StartSimulatorAsync() };
        return choice.ApplyTo(configuration);
    }

    /// <summary>Sets the address. A key is not sent there: the program on a known port can be anyone's, and the key another server's.</summary>
    /// <returns>Lines for the person who started the program.</returns>
    internal IReadOnlyList<string> ApplyTo(ConfigurationManager configuration)
    {
        configuration[ModelServerOptions.BaseUrlSetting] = BaseUrl;
        if (string.IsNullOrEmpty(configuration[ModelServerOptions.ApiKeySetting]) && string.IsNullOrEmpty(configuration[ModelServerOptions.ApiKeyFileSetting]))
            return Lines;
        configuration[ModelServerOptions.ApiKeySetting] = configuration[ModelServerOptions.ApiKeyFileSetting] = null;
        return [.. Lines, "The key is not used: it is sent only to a server that you name."];
    }

    /// <summary>Chooses the first server that needs no key.</summary>
    /// <param name="found">The servers on this machine, the preferred one first.</param>
    internal static ModelChoice Among(IReadOnlyList<LocalModelServer> found)
    {
        var chosen = found.FirstOrDefault(server => !server.RequiresKey);
        List<string> lines = chosen is null
            ? [$"No model server was found at the default ports of {string.Join(", ", LocalModelServers.Known.Select(known => known.Name))}. A simulator answers. To name a server: --model http://localhost:8000/v1"]
            : [$"{chosen.Model} answers, from {chosen.BaseUrl} (the port of {chosen.Name}), which was found on this machine. To choose another server: --model URL"];
        foreach (var server in found.Where(server => server != chosen))
        {
            lines.Add(server.RequiresKey
                ? $"Also found, but it requires a key: --model {server.BaseUrl} --key-file FILE (the port of {server.Name})"
                : $"Also found: --model {server.BaseUrl} ({server.Model}, the port of {server.Name})");
        }

        return new(chosen?.BaseUrl, lines);
    }

    /// <returns>The simulator's address.</returns>
    private static async Task<string> StartSimulatorAsync()
    {
        var simulator = ModelSimApplication.Create(["--urls", "http://127.0.0.1:0"]);
        await simulator.StartAsync();
        return $"{simulator.Urls.First()}/v1";
    }
}
