using System.Reflection;
using System.Text;
using Xunit;
using Xunit.Sdk;
using Xunit.v3;

namespace Llasta.Tests.Support;

/// <summary>One test for each form in which the parts compose, with the same further arguments.</summary>
[AttributeUsage(AttributeTargets.Method, AllowMultiple = true)]
internal sealed class CombinatorialFormsAttribute(params object[] rest) : DataAttribute
{
    public override ValueTask<IReadOnlyCollection<ITheoryDataRow>> GetData(MethodInfo testMethod, DisposalTracker disposalTracker) =>
        new([.. Enum.GetValues<Form>().Select(form => new TheoryDataRow([form, .. rest]))]);

    public override bool SupportsDiscoveryEnumeration() => true;
}

/// <summary>One test for each phase of a stream in which a fault can strike, in each form.</summary>
[AttributeUsage(AttributeTargets.Method, AllowMultiple = true)]
internal sealed class CombinatorialPhasesAttribute(string fault, string state) : DataAttribute
{
    private static readonly string[] Phases = ["queued", "thinking", "answering", "after-finish"];

    public override ValueTask<IReadOnlyCollection<ITheoryDataRow>> GetData(MethodInfo testMethod, DisposalTracker disposalTracker) =>
        new([.. from form in Enum.GetValues<Form>() from phase in Phases select new TheoryDataRow(form, fault, phase, state)]);

    public override bool SupportsDiscoveryEnumeration() => true;
}

internal static class SimulatorControl
{
    /// <summary>Changes the simulator's settings from the next request on.</summary>
    public static async Task SetAsync(this Chatbot chatbot, string settings)
    {
        using var response = await chatbot.Model!.PutAsync("/sim/settings", new StringContent(settings, Encoding.UTF8, "application/json"), Chatbot.Cancelled);
        Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync(Chatbot.Cancelled));
        (await chatbot.Model.DeleteAsync("/sim/requests", Chatbot.Cancelled)).Dispose();
    }
}
