using System.Net;
using System.Net.Sockets;

namespace Rollcall.Local.Servers;

/// <summary>Asks a loopback port one question, to see that the right server serves there.</summary>
public static class Tcp
{
    public static async Task<bool> AnswersAsync(int port, byte[] question, byte[] answer, CancellationToken ct)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(ct);
        patience.CancelAfter(TimeSpan.FromSeconds(5));
        try
        {
            using var client = new TcpClient();
            await client.ConnectAsync(IPAddress.Loopback, port, patience.Token);
            var stream = client.GetStream();
            await stream.WriteAsync(question, patience.Token);
            var heard = new byte[answer.Length];
            await stream.ReadExactlyAsync(heard, patience.Token);
            return heard.AsSpan().SequenceEqual(answer);
        }
        catch (Exception refused) when (refused is SocketException or IOException)
        {
            return false;
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            return false;
        }
    }
}
