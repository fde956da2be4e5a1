using System.Diagnostics;

namespace Llasta.Benchmarks.Services;

/// <summary>The published services: their executables and how to start them.</summary>
internal sealed class Installation(BenchmarkOptions options)
{
    /// <summary>A separate folder, because a publish changes the output of normal builds.</summary>
    private readonly string _artifacts = Repository.PathOf("artifacts/benchmarks");

    /// <summary>A limit that no measurement reaches.</summary>
    private static readonly Dictionary<string, string?> NoLimit = new() { ["Chat__MaxConcurrentTurns"] = "100000", ["ASPNETCORE_ENVIRONMENT"] = "Production" };

    private static string JitChatApi => Repository.PathOf("artifacts/benchmarks-jit/chatapi/Llasta.ChatApi.dll");

    public string ChatApi => options.ChatApi ?? Published("Llasta.ChatApi");

    public string Chatbot => options.Chatbot ?? Published("Llasta.Web");

    public string Simulator => options.Simulator ?? Published("Llasta.ModelSim");

    /// <summary>Publishes the services that have changed, with the same settings as the images.</summary>
    /// <exception cref="InvalidOperationException">A publish failed.</exception>
    public async Task PublishAsync()
    {
        foreach (var (given, project) in new[] { (options.ChatApi, "Llasta.ChatApi"), (options.Chatbot, "Llasta.Web"), (options.Simulator, "Llasta.ModelSim") })
        {
            if (given is null)
                await PublishAsync(project, Published(project), "--artifacts-path", _artifacts);
        }
    }

    /// <summary>Publishes the chat API in both forms: native, and for the JIT compiler.</summary>
    /// <exception cref="InvalidOperationException">A publish failed.</exception>
    public async Task PublishBothFormsAsync()
    {
        const string Project = "Llasta.ChatApi";
        if (options.ChatApi is null)
            await PublishAsync(Project, Published(Project), "--artifacts-path", _artifacts);
        await PublishAsync(Project, JitChatApi, "--artifacts-path", _artifacts + "-jit", "-p:PublishAot=false", "-o", Path.GetDirectoryName(JitChatApi)!);
    }

    /// <param name="upstream">The address of the model server.</param>
    /// <param name="settings">Environment variables.</param>
    /// <param name="jit">The form for the JIT compiler (<see cref="PublishBothFormsAsync"/>).</param>
    public Task<ServiceProcess> StartChatApiAsync(Uri upstream, Dictionary<string, string?>? settings = null, bool jit = false) => ServiceProcess.StartAsync("chatapi", jit ? "dotnet" : ChatApi,
        port => [.. jit ? (string[])[JitChatApi] : [], "--urls", $"http://127.0.0.1:{port}"],
        new Dictionary<string, string?>(NoLimit.Concat(settings ?? [])) { ["OPENAI_API_BASE_URL"] = new Uri(upstream, "/v1").ToString() });

    public Task<ServiceProcess> StartChatbotAsync(ServiceProcess chatApi, Dictionary<string, string?>? settings = null) => ServiceProcess.StartAsync("chatbot", Chatbot,
        port => ["--urls", $"http://127.0.0.1:{port}"],
        new Dictionary<string, string?>(NoLimit.Concat(settings ?? [])) { ["services__chatapi__http__0"] = $"http://127.0.0.1:{chatApi.Port}" });

    public Task<ServiceProcess> StartSimulatorAsync(params string[] settings) => ServiceProcess.StartAsync("simulator", Simulator,
        port => ["--urls", $"http://127.0.0.1:{port}", .. settings]);

    /// <returns>Null if nginx is not installed.</returns>
    public static async Task<ServiceProcess?> StartNginxAsync(Uri upstream)
    {
        string[] folders = [.. (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator), "/usr/sbin"];
        if (folders.Select(folder => Path.Combine(folder, "nginx")).FirstOrDefault(File.Exists) is not { } nginx)
            return null;
        var folder = Directory.CreateDirectory(Repository.PathOf("artifacts/benchmarks/nginx")).FullName;
        var configuration = Path.Combine(folder, "nginx.conf");
        return await ServiceProcess.StartAsync("nginx", nginx, port =>
        {
            // One process that only forwards: the minimum cost of a proxy.
            File.WriteAllText(configuration, $$"""
                daemon off; master_process off; pid {{folder}}/pid; error_log stderr warn; worker_rlimit_nofile 65536;
                events { worker_connections 20000; multi_accept on; }
                http {
                  access_log off; client_body_temp_path {{folder}}; proxy_temp_path {{folder}}; fastcgi_temp_path {{folder}}; uwsgi_temp_path {{folder}}; scgi_temp_path {{folder}};
                  upstream model { server {{upstream.Host}}:{{upstream.Port}}; keepalive 1024; }
                  server {
                    listen 127.0.0.1:{{port}}; keepalive_requests 100000;
                    location = /health { return 200; }
                    location / { proxy_pass http://model; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off; proxy_read_timeout 600s; }
                  }
                }
                """);
            return ["-c", configuration];
        });
    }

    private static async Task PublishAsync(string project, string result, params string[] arguments)
    {
        Console.Error.WriteLine($"Publishing {project}");
        using var publish = Process.Start(new ProcessStartInfo("dotnet", ["publish", Repository.PathOf(project), "-c", "Release", "--nologo", "-v", "quiet", .. arguments]) { WorkingDirectory = Repository.PathOf("") })!;
        await publish.WaitForExitAsync();
        if (publish.ExitCode != 0 || !File.Exists(result))
            throw new InvalidOperationException($"{project} could not be published; see the output of dotnet publish above.");
    }

    private string Published(string project)
    {
        var name = project == "Llasta.Web" ? "llasta" : project;
        return Path.Combine(_artifacts, "publish", project, "release", OperatingSystem.IsWindows() ? $"{name}.exe" : name);
    }
}
