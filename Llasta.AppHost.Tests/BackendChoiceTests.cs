using System.ComponentModel;
using Llasta.AppHost.Model;
using Xunit;

namespace Llasta.AppHost.Tests;

public sealed class BackendChoiceTests
{
    [Theory]
    [InlineData(true, true, ModelBackend.Gpu, "an NVIDIA GPU and a container runtime were found")]
    [InlineData(true, false, ModelBackend.Sim, "an NVIDIA GPU was found, but no running container runtime (Docker or Podman) to give it to")]
    [InlineData(false, true, ModelBackend.Sim, "no NVIDIA GPU was found on this machine")]
    [InlineData(false, false, ModelBackend.Sim, "no NVIDIA GPU was found on this machine")]
    public void Without_a_setting_the_machine_decides_and_the_reason_is_said(bool gpu, bool runtime, ModelBackend expected, string reason) =>
        Assert.Equal(new(expected, reason), BackendChoice.Make(null, publishing: false, () => gpu, () => runtime));

    [Theory]
    [InlineData("gpu", ModelBackend.Gpu)]
    [InlineData("CPU", ModelBackend.Cpu)]
    [InlineData("python", ModelBackend.Python)]
    [InlineData("external", ModelBackend.External)]
    [InlineData("sim", ModelBackend.Sim)]
    public void A_setting_decides_without_a_look_at_the_machine(string setting, ModelBackend expected) =>
        Assert.Equal(expected, BackendChoice.Make(setting, publishing: false, Unasked, Unasked).Backend);

    [Fact]
    public void Publishing_is_for_a_GPU_wherever_it_is_done() =>
        Assert.Equal(ModelBackend.Gpu, BackendChoice.Make("", publishing: true, Unasked, Unasked).Backend);

    [Theory]
    [InlineData("tpu", false)]
    [InlineData("7", false)]
    [InlineData("python", true)]
    public void A_setting_that_cannot_be_is_an_error_that_names_it(string setting, bool publishing)
    {
        var error = Assert.Throws<InvalidEnumArgumentException>(() => BackendChoice.Make(setting, publishing, Unasked, Unasked));
        Assert.Contains($"Model:Backend is '{setting}'", error.Message, StringComparison.Ordinal);
    }

    private static bool Unasked() => throw new InvalidOperationException("The machine was looked at.");
}
