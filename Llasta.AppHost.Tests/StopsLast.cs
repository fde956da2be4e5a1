using Xunit.Sdk;
using Xunit.v3;

namespace Llasta.AppHost.Tests;

/// <summary>
/// Tests that stop a service run after all others of their class: when a service is stopped or started again, Aspire itself may log an error,
/// and another test wants none.
/// </summary>
public sealed class StopsLast : ITestMethodOrderer
{
    /// <summary>The trait of a test that stops a service; its value names the service.</summary>
    public const string Trait = "Stops";

    public IReadOnlyCollection<TTestMethod?> OrderTestMethods<TTestMethod>(IReadOnlyCollection<TTestMethod?> testMethods)
        where TTestMethod : notnull, ITestMethod =>
        [.. testMethods.OrderBy(method => method?.Traits.ContainsKey(Trait))];
}
