using Llasta.AppHost;
using Llasta.AppHost.Kubernetes;
using Llasta.AppHost.Model;

SettingException.ReportInOneLine();
var builder = DistributedApplication.CreateBuilder(args);

// Kubernetes is where it is published to (docs/manifests.md). In run mode this and every PublishAs… below do nothing.
builder.AddKubernetes();

// The namespace denies all traffic; each service below brings the policies that allow its own.
builder.AddNamespacePolicies("network.yaml");

// vLLM serving Qwen3-8B, or its stand-in: Model:Backend is gpu, cpu, python, external or sim. Consumers see no difference.
var model = builder.AddModel("vllm").PublishAsModelServer();

// Relays turns to the model. It doesn't wait for the model: while that loads, the page must be able to say so.
var chatapi = builder.AddProject<Projects.Llasta_ChatApi>("chatapi", ServiceEndpoint.WithoutLaunchProfile)
    .WithServiceEndpoint()
    .WithModel(model)
    .WithLink("/api/model", "State of the model")
    .WithUrlForEndpoint(ServiceEndpoint.Http, _ => new() { Url = "/openapi/v1.json", DisplayText = "API document" })
    .WithIconName("ArrowRouting")
    .PublishAsService()
    .PublishAsClientOf(model);

// The page, and the way in: http://localhost:8080. It forwards /api to the chat API.
builder.AddProject<Projects.Llasta_Web>("chatbot", ServiceEndpoint.WithoutLaunchProfile)
    .WithServiceEndpoint(ChatbotPort.Of(builder))
    .WithReference(chatapi)
    .WaitFor(chatapi)
    .WithLink("/", "Chat")
    .WithIconName("Chat")
    .PublishAsService();

await builder.Build().RunAsync();
