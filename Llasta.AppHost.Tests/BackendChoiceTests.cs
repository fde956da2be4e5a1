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
    public void Without_a_setting_the_machine_decides_and_a_reason_is_given(bool gpu, bool runtime, ModelBackend expected, string reason) =>
        Assert.Equal(new(expected, reason), BackendChoice.Make(null, publishing: false, () => gpu, () => runtime));

    [Theory]
    [InlineData("gpu", ModelBackend.Gpu)]
    [InlineData("CPU", ModelBackend.Cpu)]
    [InlineData("python", ModelBackend.Python)]
    [InlineData("external", ModelBackend.External)]
    [InlineData("sim", ModelBackend.Sim)]
    public void With_a_setting_the_machine_is_not_examined(string setting, ModelBackend expected) =>
        Assert.Equal(expected, BackendChoice.Make(setting, publishing: false, Fail, Fail).Backend);

    [Fact]
    public void Publishing_is_for_a_GPU_on_every_machine() =>
        Assert.Equal(ModelBackend.Gpu, BackendChoice.Make("", publishing: true, Fail, Fail).Backend);

    [Theory]
    [InlineData("tpu", false)]
    [InlineData("7", false)]
    [InlineData("python", true)]
    public void A_backend_that_does_not_exist_or_cannot_be_published_is_an_error_that_names_it(string setting, bool publishing)
    {
        var error = Assert.Throws<SettingException>(() => BackendChoice.Make(setting, publishing, Fail, Fail));
        Assert.Contains($"Model:Backend is '{setting}'", error.Message, StringComparison.Ordinal);
    }

    private static bool Fail() => throw new InvalidOperationException("The machine was examined.");
}
