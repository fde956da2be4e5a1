using System.Security.Cryptography;
using System.Text;

namespace Llasta.ModelSim.Protocol;

/// <summary>The API key: guards everything under <c>/v1</c> and nothing else (<c>vllm/entrypoints/openai/server_utils.py</c>).</summary>
internal static class ApiKey
{
    private static readonly byte[] Unauthorized = "{\"error\":\"Unauthorized\"}"u8.ToArray();

    public static Task RefuseAsync(HttpResponse response) => response.WriteJsonAsync(401, Unauthorized);

    public static bool Accepts(HttpRequest request, string key)
    {
        if (!request.Path.Value!.StartsWith("/v1", StringComparison.Ordinal) || HttpMethods.IsOptions(request.Method))
            return true;
        var authorization = request.Headers.Authorization.ToString();
        return authorization.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase)
            && CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(authorization["Bearer ".Length..]), Encoding.UTF8.GetBytes(key));
    }
}
