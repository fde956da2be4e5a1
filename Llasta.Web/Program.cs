using Llasta.Streaming.Server;
using Llasta.Web;

RelayServer.PreferInlineSockets();
return await CommandLine.RunAsync(args);
