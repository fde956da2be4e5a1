using Llasta.ChatApi;
using Llasta.ServiceDefaults;

RelayServer.PreferInlineSockets();
return await StartUp.RunAsync(() =>
{
    var builder = WebApplication.CreateSlimBuilder(args);
    builder.WebHost.UseRelayServer();
    builder.AddServiceDefaults();
    builder.AddChatApi();

    var app = builder.Build();
    app.UseTrustedRequests();
    app.MapServiceDefaults();
    app.MapChatApi();
    return app;
});
