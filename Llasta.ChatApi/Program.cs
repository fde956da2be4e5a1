using Llasta.ChatApi;
using Llasta.ServiceDefaults;

RelayServer.PreferInlineSockets();
return await StartUp.RunAsync(() => Task.FromResult(ChatApiApplication.Create(args)));
