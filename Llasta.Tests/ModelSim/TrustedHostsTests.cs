using System.Net;
using Xunit;

namespace Llasta.Tests.ModelSim;

public sealed class TrustedHostsTests
{
    [Theory]
    [InlineData("localhost:8000", true, true)]
    [InlineData("vllm.localhost", true, true)]
    [InlineData("127.0.0.1:8000", true, true)]
    [InlineData("[::1]:8000", true, true)]
    [InlineData("vllm:8000", true, false)]
    [InlineData("10.1.2.3:8000", true, false)]
    [InlineData("vllm.llasta.svc", true, false)]
    [InlineData("vllm.llasta.svc.cluster.local:8000", true, false)]
    [InlineData("attacker.example", false, false)]
    [InlineData("localhost.attacker.example", false, false)]
    public async Task A_host_name_decides_what_is_served(string host, bool model, bool control)
    {
        await using var sim = await SimServer.StartAsync();
        Assert.Equal(model ? HttpStatusCode.OK : HttpStatusCode.Forbidden, await StatusAsync(sim, "/v1/models", ("Host", host)));
        Assert.Equal(control ? HttpStatusCode.OK : HttpStatusCode.Forbidden, await StatusAsync(sim, "/sim/settings", ("Host", host)));
        Assert.Equal(control ? HttpStatusCode.OK : HttpStatusCode.Forbidden, await StatusAsync(sim, "/SIM/requests", ("Host", host)));
    }

    [Theory]
    [InlineData("Sec-Fetch-Site", "cross-site", false)]
    [InlineData("Sec-Fetch-Site", "same-site", false)]
    [InlineData("Sec-Fetch-Site", "same-origin", true)]
    [InlineData("Sec-Fetch-Site", "none", true)]
    [InlineData("Origin", "http://attacker.example", false)]
    [InlineData("Origin", "null", false)]
    public async Task A_request_of_another_sites_page_is_refused(string header, string value, bool served)
    {
        await using var sim = await SimServer.StartAsync();
        foreach (var path in (string[])["/v1/models", "/sim/settings"])
            Assert.Equal(served ? HttpStatusCode.OK : HttpStatusCode.Forbidden, await StatusAsync(sim, path, (header, value)));
    }

    private static async Task<HttpStatusCode> StatusAsync(SimServer sim, string path, (string Name, string Value) header)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.TryAddWithoutValidation(header.Name, header.Value);
        using var response = await sim.Client.SendAsync(request, SimServer.Stop);
        return response.StatusCode;
    }
}
