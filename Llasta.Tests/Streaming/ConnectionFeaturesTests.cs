using Llasta.Streaming.Server;
using Microsoft.AspNetCore.Http.Features;
using Xunit;

namespace Llasta.Tests.Streaming;

/// <summary>It behaves as the collection that it replaces.</summary>
public sealed class ConnectionFeaturesTests
{
    [Fact]
    public void The_same_changes_give_the_same_features_as_the_frameworks_collection()
    {
        Type[] keys = [.. typeof(string).Assembly.GetExportedTypes().Take(12)];
        var random = new Random(7);
        var expected = new FeatureCollection();
        var features = new ConnectionFeatures();

        for (var i = 0; i < 2000; i++)
        {
            var key = keys[random.Next(keys.Length)];
            var value = random.Next(3) == 0 ? null : new object();
            var revision = features.Revision;
            expected[key] = value;
            features[key] = value;

            Assert.All(keys, each => Assert.Same(expected[each], features[each]));
            Assert.Equal(expected.ToDictionary(), features.ToDictionary());
            Assert.True(value is null || features.Revision > revision);
        }
    }

    [Fact]
    public void A_feature_is_found_by_its_type()
    {
        var features = new ConnectionFeatures();
        Assert.Null(features.Get<IFormattable>());
        features.Set<IFormattable>(5);
        features.Set<IComparable>("five");
        Assert.Equal((5, "five", false), (features.Get<IFormattable>(), features.Get<IComparable>(), features.IsReadOnly));
    }
}
