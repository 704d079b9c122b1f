using System.Net;
using Google.Protobuf;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Rollcall.Benchmarks.Sync.Soak;

/// <summary>
/// Takes the service's telemetry (OTLP over HTTP) for one figure of it: how big the managed heap was after the last
/// collection. So the soak also covers the telemetry itself.
/// </summary>
public sealed class HeapMeter : IAsyncDisposable
{
    private const string Metric = "dotnet.gc.last_collection.heap.size";
    private readonly WebApplication receiver;
    private long bytes;

    private HeapMeter(WebApplication receiver) => this.receiver = receiver;

    public double Megabytes => Interlocked.Read(ref bytes) / 1048576d;

    public static async Task<HeapMeter> StartAsync()
    {
        var builder = WebApplication.CreateBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(k => k.Listen(IPAddress.Loopback, 0));
        var meter = new HeapMeter(builder.Build());
        meter.receiver.MapPost("/v1/{signal}", meter.ReceiveAsync);
        await meter.receiver.StartAsync();
        return meter;
    }

    public void Configure(Dictionary<string, string?> settings)
    {
        settings["OTEL_EXPORTER_OTLP_ENDPOINT"] = receiver.Urls.Single();
        settings["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf";
        settings["OTEL_METRIC_EXPORT_INTERVAL"] = "15000";
    }

    public ValueTask DisposeAsync() => receiver.DisposeAsync();

    private async Task<IResult> ReceiveAsync(HttpRequest request, string signal)
    {
        using var body = new MemoryStream();
        await request.Body.CopyToAsync(body);
        if (signal == "metrics" && Sum(body.ToArray()) is var sum and > 0)
        {
            Interlocked.Exchange(ref bytes, sum);
        }

        return Results.Bytes([], "application/x-protobuf");
    }

    /// <summary>
    /// resource_metrics (1) → scope_metrics (2) → metrics (2) → name (1), sum (7) → data_points (1) → as_int (6), one for
    /// each generation: https://github.com/open-telemetry/opentelemetry-proto, metrics.proto.
    /// </summary>
    private static long Sum(byte[] request) =>
        Fields(request, 1)
            .SelectMany(resource => Fields(resource, 2))
            .SelectMany(scope => Fields(scope, 2))
            .Where(metric => Fields(metric, 1).Any(name => name.AsSpan().SequenceEqual(MetricName)))
            .SelectMany(metric => Fields(metric, 7))
            .SelectMany(sum => Fields(sum, 1))
            .Sum(AsInt);

    private static readonly byte[] MetricName = System.Text.Encoding.UTF8.GetBytes(Metric);

    private static List<byte[]> Fields(byte[] message, int number)
    {
        List<byte[]> found = [];
        var input = new CodedInputStream(message);
        while (input.ReadTag() is var tag and not 0)
        {
            if (tag == WireFormat.MakeTag(number, WireFormat.WireType.LengthDelimited))
            {
                found.Add(input.ReadBytes().ToByteArray());
            }
            else
            {
                input.SkipLastField();
            }
        }

        return found;
    }

    private static long AsInt(byte[] point)
    {
        var input = new CodedInputStream(point);
        while (input.ReadTag() is var tag and not 0)
        {
            if (tag == WireFormat.MakeTag(6, WireFormat.WireType.Fixed64))
            {
                return input.ReadSFixed64();
            }

            input.SkipLastField();
        }

        return 0;
    }
}
