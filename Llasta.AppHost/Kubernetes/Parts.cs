using Aspire.Hosting.Kubernetes;
using Aspire.Hosting.Kubernetes.Resources;
using YamlDotNet.Serialization;

namespace Llasta.AppHost.Kubernetes;

/// <summary>
/// Objects that Aspire has no word for, written as what they are: the YAML files in Parts/. Those of a resource go into the
/// chart beside it; those that are opt-in become files of their own.
/// </summary>
internal static class Parts
{
    private static readonly IDeserializer s_yaml = new DeserializerBuilder().WithAttemptingUnquotedStringTypeDeserialization().Build();

    public static string Text(string part)
    {
        using var reader = new StreamReader(typeof(Parts).Assembly.GetManifestResourceStream(part)!);
        return reader.ReadToEnd();
    }

    public static void AddParts(this KubernetesResource kubernetes, params ReadOnlySpan<string> parts)
    {
        foreach (var part in parts)
            foreach (var document in Text(part).Split("---\n"))
                kubernetes.AdditionalResources.Add(new Part(s_yaml.Deserialize<Dictionary<string, object>>(document)));
    }

    private sealed class Part : BaseKubernetesResource
    {
        public Part(Dictionary<string, object> document) : base((string)document["apiVersion"], (string)document["kind"])
        {
            Metadata.Name = (string)((Dictionary<object, object>)document["metadata"])["name"];
            Spec = (Dictionary<object, object>)KeepEmpty(document["spec"]);
        }

        [YamlMember(Alias = "spec")]
        public Dictionary<object, object> Spec { get; }

        /// <summary>The publisher leaves empty collections out, but <c>podSelector: {}</c> means every pod.</summary>
        private static object KeepEmpty(object node) => node switch
        {
            Dictionary<object, object> { Count: 0 } => new Empty(),
            Dictionary<object, object> map => map.ToDictionary(entry => entry.Key, entry => KeepEmpty(entry.Value)),
            List<object> list => list.ConvertAll(KeepEmpty),
            _ => node,
        };

        private sealed class Empty;
    }
}
