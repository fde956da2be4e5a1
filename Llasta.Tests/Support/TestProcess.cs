using System.Runtime.CompilerServices;

namespace Llasta.Tests.Support;

/// <summary>What the process of the tests needs before its first server starts.</summary>
internal static class TestProcess
{
    /// <summary>The variable that decides whether a host watches its settings' files.</summary>
    public const string WatchSettings = "DOTNET_hostBuilder__reloadConfigOnChange";

    /// <summary>Hundreds of servers: each would watch its settings' files, and a user may watch 128 folders on Linux.</summary>
    [ModuleInitializer]
    internal static void DoNotWatchSettings() => Environment.SetEnvironmentVariable(WatchSettings, "false");
}
