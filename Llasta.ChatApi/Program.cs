using Llasta.ChatApi;
using Llasta.ServiceDefaults;
using Llasta.Streaming.Server;

RelayServer.PreferInlineSockets();
return await StartUp.RunAsync(() => Task.FromResult(ChatApiApplication.Create(args)));
