using System.Security.Cryptography;
using System.Text;

namespace Llasta.ModelSim.Protocol;

/// <summary>The API key: guards the API's paths and no others, such as <c>/tokenize</c> and <c>/metrics</c> (<c>vllm/entrypoints/openai/server_utils.py</c>).</summary>
internal static class ApiKey
{
    private static readonly string[] Guarded = ["/v1", "/v2", "/inference", "/cohere"];

    public static Task RefuseAsync(HttpResponse response) => response.WriteJsonAsync(401, """{"error":"Unauthorized"}""");

    public static bool Accepts(HttpRequest request, string key)
    {
        if (!Guarded.Any(prefix => request.Path.Value!.StartsWith(prefix, StringComparison.Ordinal)) || HttpMethods.IsOptions(request.Method))
            return true;
        var authorization = request.Headers.Authorization.ToString();
        return authorization.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase)
            && CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(authorization["Bearer ".Length..]), Encoding.UTF8.GetBytes(key));
    }
}
