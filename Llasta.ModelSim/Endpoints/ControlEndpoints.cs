using Llasta.ModelSim.Generation;
using Llasta.ModelSim.Protocol;
using Llasta.ModelSim.Settings;

namespace Llasta.ModelSim.Endpoints;

/// <summary><c>/sim</c>: the simulator at run time, for tests and demonstrations. vLLM has no such paths.</summary>
internal static class ControlEndpoints
{
    public static void MapControl(this IEndpointRouteBuilder app, Engine engine)
    {
        app.MapGet("/sim/settings", context => WriteSettingsAsync(context, engine));
        app.MapPut("/sim/settings", context => ChangeSettingsAsync(context, engine));
        app.MapGet("/sim/requests", context => context.Response.WriteJsonAsync(200, engine.Requests.ToJson()));
        app.MapDelete("/sim/requests", context =>
        {
            engine.Requests.Clear();
            context.Response.StatusCode = 204;
            return Task.CompletedTask;
        });
    }

    private static async Task ChangeSettingsAsync(HttpContext context, Engine engine)
    {
        string? complaint;
        try
        {
            complaint = engine.Settings.Change((await RequestFields.ReadAsync(context.Request)).Body);
        }
        catch (RequestRejectedException e)
        {
            complaint = e.Message;
        }
        await (complaint is null ? WriteSettingsAsync(context, engine) : context.Response.WriteJsonAsync(400, $"{{\"error\":{JsonText.Quoted(complaint)}}}"));
    }

    private static Task WriteSettingsAsync(HttpContext context, Engine engine) =>
        context.Response.WriteJsonAsync(200, SettingsBinder.ToJson(engine.Settings.Current));
}
