using Llasta.AppHost;
using Llasta.AppHost.Kubernetes;
using Llasta.AppHost.Model;

var builder = DistributedApplication.CreateBuilder(args);

// Where it is deployed: Kubernetes, as flat manifests and as a Helm chart (docs/manifests.md). Nothing of it in run mode.
builder.AddKubernetes();

// vLLM serving Qwen3-8B. Model:Backend says what plays its part: gpu, cpu, python, external or sim; consumers never know.
var model = builder.AddModel("vllm");

// Relays turns to the model and owns their end. It doesn't wait for the model: while that loads, the page must be able to say so.
var chatapi = builder.AddProject<Projects.Llasta_ChatApi>("chatapi", Endpoints.OurOwn)
    .WithServiceEndpoint()
    .WithModel(model)
    .WithUrlForEndpoint(Endpoints.Http, link => link.DisplayText = "Chat API")
    .WithUrlForEndpoint(Endpoints.Http, _ => new() { Url = "/api/model", DisplayText = "State of the model" })
    .WithUrlForEndpoint(Endpoints.Http, _ => new() { Url = "/openapi/v1.json", DisplayText = "API document" })
    .WithIconName("ArrowRouting")
    .PublishAsService();

// The page, and the way in: http://localhost:8080. It forwards /api to the chat API.
builder.AddProject<Projects.Llasta_Web>("chatbot", Endpoints.OurOwn)
    .WithServiceEndpoint(port: 8080)
    .WithReference(chatapi)
    .WaitFor(chatapi)
    .WithUrlForEndpoint(Endpoints.Http, link => link.DisplayText = "Chat")
    .WithIconName("Chat")
    .PublishAsService("network.yaml");

builder.Build().Run();
