using System.Diagnostics;

namespace Llasta.Benchmarks.Services;

/// <summary>The built services: where they are, and how each is started.</summary>
internal sealed class Installation(string root, BenchmarkOptions options)
{
    /// <summary>Apart from what other builds made: a publish leaves its own kind of output in bin.</summary>
    private readonly string _artifacts = Path.Combine(root, "artifacts", "benchmarks");

    /// <summary>More than any run opens, or the limit would be measured.</summary>
    private static readonly Dictionary<string, string?> NoLimit = new() { ["Chat__MaxConcurrentTurns"] = "100000", ["ASPNETCORE_ENVIRONMENT"] = "Production" };

    /// <summary>Finds the solution's folder above the running program.</summary>
    public static Installation Find(BenchmarkOptions options)
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Llasta.sln")))
                return new Installation(folder.FullName, options);
        }

        throw new InvalidOperationException("The benchmarks run inside the repository: Llasta.sln was not found above the program.");
    }

    public string ChatApi => options.ChatApi ?? Published("Llasta.ChatApi");

    public string Chatbot => options.Chatbot ?? Published("Llasta.Web");

    public string Simulator => options.Simulator ?? Published("Llasta.ModelSim");

    /// <summary>Publishes what has changed, the way the images are built.</summary>
    public async Task PublishAsync()
    {
        foreach (var (given, project) in new[] { (options.ChatApi, "Llasta.ChatApi"), (options.Chatbot, "Llasta.Web"), (options.Simulator, "Llasta.ModelSim") })
        {
            if (given is not null)
                continue;
            Console.Error.WriteLine($"Publishing {project}");
            using var publish = Process.Start(new ProcessStartInfo("dotnet", ["publish", Path.Combine(root, project), "-c", "Release", "--artifacts-path", _artifacts, "--nologo", "-v", "quiet"]) { WorkingDirectory = root })!;
            await publish.WaitForExitAsync();
            if (publish.ExitCode != 0 || !File.Exists(Published(project)))
                throw new InvalidOperationException($"{project} could not be published; see the output of dotnet publish above.");
        }
    }

    public Task<ServiceProcess> StartChatApiAsync(Uri upstream, Dictionary<string, string?>? settings = null) => ServiceProcess.StartAsync("chatapi", ChatApi,
        port => ["--urls", $"http://127.0.0.1:{port}"],
        new Dictionary<string, string?>(NoLimit.Concat(settings ?? [])) { ["OPENAI_API_BASE_URL"] = new Uri(upstream, "/v1").ToString() });

    public Task<ServiceProcess> StartChatbotAsync(ServiceProcess chatApi, Dictionary<string, string?>? settings = null) => ServiceProcess.StartAsync("chatbot", Chatbot,
        port => ["--urls", $"http://127.0.0.1:{port}", "--contentRoot", Path.GetDirectoryName(Path.GetFullPath(Chatbot))!],
        new Dictionary<string, string?>(NoLimit.Concat(settings ?? [])) { ["services__chatapi__http__0"] = $"http://127.0.0.1:{chatApi.Port}" });

    public Task<ServiceProcess> StartSimulatorAsync(params string[] settings) => ServiceProcess.StartAsync("simulator", Simulator,
        port => ["--urls", $"http://127.0.0.1:{port}", .. settings]);

    /// <returns>Null where there is no nginx: the comparison is left out.</returns>
    public static async Task<ServiceProcess?> StartNginxAsync(Uri upstream)
    {
        string[] folders = [.. (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator), "/usr/sbin"];
        if (folders.Select(folder => Path.Combine(folder, "nginx")).FirstOrDefault(File.Exists) is not { } nginx)
            return null;
        var folder = Directory.CreateTempSubdirectory("llasta-nginx-").FullName;
        var configuration = Path.Combine(folder, "nginx.conf");
        return await ServiceProcess.StartAsync("nginx", nginx, port =>
        {
            // Plain forwarding, one process: the least that a proxy can do for a stream.
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

    private string Published(string project)
    {
        var name = OperatingSystem.IsWindows() ? $"{project}.exe" : project;
        return Path.Combine(_artifacts, "publish", project, "release", name);
    }
}
