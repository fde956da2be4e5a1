using Llasta.ModelSim.Metrics;
using Llasta.ModelSim.Requests;
using Llasta.ModelSim.Settings;

namespace Llasta.ModelSim.Generation;

/// <summary>What all requests share.</summary>
internal sealed record Engine(LiveSettings Settings, RequestLog Requests, EngineMetrics Metrics, PrefixCache Prefixes, Pacer Pacer, TimeProvider Time, IHostApplicationLifetime Lifetime);
