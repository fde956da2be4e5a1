using System.Collections;
using Microsoft.AspNetCore.Http.Features;

namespace Llasta.Streaming.Server;

/// <summary>
/// The features of a connection. There are six, so they are found in one array as fast as in the dictionary of
/// <see cref="FeatureCollection"/>, which takes 200 bytes more for each connection. Like it, this is not thread-safe.
/// </summary>
internal sealed class ConnectionFeatures : IFeatureCollection
{
    private KeyValuePair<Type, object>[] _features = new KeyValuePair<Type, object>[6];
    private int _count;

    public bool IsReadOnly => false;

    public int Revision { get; private set; }

    public object? this[Type key]
    {
        get => IndexOf(key) is >= 0 and var at ? _features[at].Value : null;
        set
        {
            var at = IndexOf(key);
            if (at < 0 && value is null)
                return;
            Revision++;
            if (value is null)
            {
                _features[at] = _features[--_count];
                _features[_count] = default;
                return;
            }

            if (at < 0)
            {
                at = _count++;
                if (at == _features.Length)
                    Array.Resize(ref _features, _count * 2);
            }

            _features[at] = new(key, value);
        }
    }

    public TFeature? Get<TFeature>() => (TFeature?)this[typeof(TFeature)];

    public void Set<TFeature>(TFeature? instance) => this[typeof(TFeature)] = instance;

    public IEnumerator<KeyValuePair<Type, object>> GetEnumerator() => _features.Take(_count).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    private int IndexOf(Type key)
    {
        for (var i = 0; i < _count; i++)
        {
            if (_features[i].Key == key)
                return i;
        }

        return -1;
    }
}
