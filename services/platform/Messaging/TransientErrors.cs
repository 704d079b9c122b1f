using System.Net.Sockets;
using System.Runtime.Serialization;
using Google.Protobuf;
using Grpc.Core;
using MassTransit;
using Microsoft.EntityFrameworkCore;
using Npgsql;
using RabbitMQ.Client.Exceptions;

namespace Rollcall.Platform;

/// <summary>Which failures pass by themselves: the message waits for them, however long they last.</summary>
public static class TransientErrors
{
    public static bool IsTransient(this Exception error) =>
        error switch
        {
            // Protobuf's parse error is an IOException; no waiting makes garbage readable.
            SerializationException or InvalidProtocolBufferException => false,
            PostgresException e => e.IsTransient || e.SqlState.StartsWith("57P", StringComparison.Ordinal) || IsFull(e),
            NpgsqlException => true,
            DbUpdateConcurrencyException => true,
            SocketException or TimeoutException or IOException => true,
            OperationCanceledException => true,
            ConnectionException or AlreadyClosedException or BrokerUnreachableException => true,
            RpcException e => e.StatusCode
                is StatusCode.Unavailable
                    or StatusCode.DeadlineExceeded
                    or StatusCode.Aborted,
            HttpRequestException => true,
            _ => error.InnerException is { } inner && inner.IsTransient(),
        };

    /// <summary>Disk full, out of memory, too many connections.</summary>
    private static bool IsFull(PostgresException e) => e.SqlState.StartsWith("53", StringComparison.Ordinal);
}
