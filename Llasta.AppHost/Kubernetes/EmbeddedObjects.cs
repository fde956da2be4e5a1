using Aspire.Hosting.Kubernetes;
using Aspire.Hosting.Kubernetes.Resources;
using YamlDotNet.Serialization;

namespace Llasta.AppHost.Kubernetes;

/// <summary>Kubernetes objects that Aspire has no API for: the YAML files in Objects/, embedded into this assembly.</summary>
internal static class EmbeddedObjects
{
    private static readonly IDeserializer Yaml = new DeserializerBuilder().WithAttemptingUnquotedStringTypeDeserialization().Build();

    /// <param name="file">A file's name in Objects/.</param>
    public static string Text(string file)
    {
        using var reader = new StreamReader(typeof(EmbeddedObjects).Assembly.GetManifestResourceStream(file)!);
        return reader.ReadToEnd();
    }

    /// <summary>Publishes the objects of a file together with the resource.</summary>
    /// <param name="kubernetes">The resource.</param>
    /// <param name="file">The file's name in Objects/.</param>
    /// <param name="component">The component that the objects are labelled with; null for the resource's own.</param>
    public static void AddObjects(this KubernetesResource kubernetes, string file, string? component = null)
    {
        foreach (var document in Text(file).Split("---\n"))
        {
            var o = new EmbeddedObject(Yaml.Deserialize<Dictionary<string, object>>(document));
            if (component is not null)
                o.Metadata.Labels[Labels.Component] = component;
            kubernetes.AdditionalResources.Add(o);
        }
    }

    private sealed class EmbeddedObject : BaseKubernetesResource
    {
        public EmbeddedObject(Dictionary<string, object> document) : base((string)document["apiVersion"], (string)document["kind"])
        {
            Metadata.Name = (string)((Dictionary<object, object>)document["metadata"])["name"];
            Spec = (Dictionary<object, object>)KeepEmpty(document["spec"]);
        }

        [YamlMember(Alias = "spec")]
        public Dictionary<object, object> Spec { get; }

        /// <summary>Aspire leaves empty collections out, but <c>podSelector: {}</c> means every pod.</summary>
        private static object KeepEmpty(object node) => node switch
        {
            Dictionary<object, object> { Count: 0 } => new Empty(),
            Dictionary<object, object> map => map.ToDictionary(entry => entry.Key, entry => KeepEmpty(entry.Value)),
            List<object> list => list.ConvertAll(KeepEmpty),
            _ => node,
        };

        /// <summary>Is written as <c>{}</c>.</summary>
        private sealed class Empty;
    }
}
