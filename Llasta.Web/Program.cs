using Llasta.ServiceDefaults;
using Llasta.Streaming.Server;
using Llasta.Web;

RelayServer.PreferInlineSockets();
return await StartUp.RunAsync(() => ChatbotApplication.CreateAsync(args));
