using System.Diagnostics.Metrics;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Microsoft.Extensions.Logging;
using Npgsql;
using Rollcall.Api.Ops.V1;

namespace Rollcall.Platform;

/// <summary>Tells the people who run the platform that a message or event is stuck: log, metric, and an event for notification.</summary>
public sealed partial class AlarmWriter(ServiceName service, TimeProvider clock, ILogger<AlarmWriter> logger)
{
    private static readonly Counter<long> Alarms = Telemetry.Meter.CreateCounter<long>(
        "rollcall.alarms",
        description: "Messages and events set aside because nothing could handle them"
    );

    public async Task WriteAsync(NpgsqlConnection connection, AlarmRaised alarm, CancellationToken ct)
    {
        alarm.Service = service.Value;
        alarm.OccurTime = clock.GetUtcNow().ToTimestamp();
        Alarms.Add(1, new("service", service.Value), new("kind", alarm.Kind.ToString()));
        LogAlarm(alarm.Kind, alarm.Subject, alarm.MessageId, alarm.Error);

        // An alarm that cannot be published must not raise the next one.
        if (alarm.Subject == AlarmRaised.Descriptor.FullName)
        {
            return;
        }

        await using var command = new NpgsqlCommand(
            "insert into outbox (message_id, msp_id, client_id, type, body) values ($1, $2, $3, $4, $5)",
            connection
        );
        command.Parameters.Add(new() { Value = Guid.CreateVersion7() });
        command.Parameters.Add(new() { Value = Guid.Parse(alarm.MspId) });
        command.Parameters.Add(new() { Value = Guid.Parse(alarm.ClientId) });
        command.Parameters.Add(new() { Value = AlarmRaised.Descriptor.FullName });
        command.Parameters.Add(new() { Value = alarm.ToByteArray() });
        await command.ExecuteNonQueryAsync(ct);
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "ALARM {Kind} {Subject} {MessageId}: {Error}")]
    private partial void LogAlarm(AlarmKind kind, string subject, string messageId, string error);
}

/// <summary>The service's name, such as scope-rules.</summary>
public sealed record ServiceName(string Value);
