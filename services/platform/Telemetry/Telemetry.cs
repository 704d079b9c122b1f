using System.Diagnostics;
using System.Diagnostics.Metrics;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Npgsql;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace Rollcall.Platform;

/// <summary>Traces, metrics and logs over OTLP, when an endpoint is configured.</summary>
public static class Telemetry
{
    public static readonly ActivitySource Source = new("Rollcall");
    public static readonly Meter Meter = new("Rollcall");

    public static void AddTelemetry(this WebApplicationBuilder builder, string service)
    {
        // Propagation across the outbox needs activities even where nobody collects them.
        Activity.DefaultIdFormat = ActivityIdFormat.W3C;
        if (builder.Configuration["OTEL_EXPORTER_OTLP_ENDPOINT"] is not { Length: > 0 })
        {
            return;
        }

        builder.Logging.AddOpenTelemetry(o => o.IncludeScopes = true);
        builder
            .Services.AddOpenTelemetry()
            .ConfigureResource(r => r.AddService(service))
            .WithTracing(t =>
                t.SetSampler(new ParentBasedSampler(new NoPolls()))
                    .AddSource("Rollcall", "MassTransit")
                    .AddAspNetCoreInstrumentation(o =>
                        o.Filter = http => !http.Request.Path.StartsWithSegments("/health", StringComparison.Ordinal)
                    )
                    .AddHttpClientInstrumentation()
                    .AddNpgsql()
            )
            .WithMetrics(m =>
                m.AddMeter("Rollcall", "MassTransit", "Npgsql")
                    .AddAspNetCoreInstrumentation()
                    .AddHttpClientInstrumentation()
                    .AddRuntimeInstrumentation()
            )
            .UseOtlpExporter();
    }

    /// <summary>Leaves out what begins with a question of ours: outbox and schedules ask their tables twice a second.</summary>
    private sealed class NoPolls : Sampler
    {
        public override SamplingResult ShouldSample(in SamplingParameters samplingParameters) =>
            new(samplingParameters.Kind != ActivityKind.Client);
    }
}
