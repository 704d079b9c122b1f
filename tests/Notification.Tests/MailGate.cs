using System.Net;
using System.Net.Sockets;
using MimeKit;

namespace Rollcall.Notification.Tests;

/// <summary>
/// A relay before the real mail server: closed it is a server that is down; recipients whose address begins with
/// "refused" it turns away as a server does that knows no such mailbox.
/// </summary>
public sealed class MailGate : IDisposable
{
    private readonly string folder = Environment.GetEnvironmentVariable("Mail__Folder")!;
    private readonly Lock gate = new();
    private readonly List<TcpClient> open = [];
    private TcpListener listener = new(IPAddress.Loopback, 0);

    public MailGate()
    {
        listener.Start();
        Port = ((IPEndPoint)listener.LocalEndpoint).Port;
        _ = AcceptAsync(listener);
    }

    public int Port { get; }

    /// <summary>Connections tried while the gate was open.</summary>
    public int Connections { get; private set; }

    public void Close()
    {
        listener.Stop();
        lock (gate)
        {
            open.ForEach(c => c.Dispose());
            open.Clear();
        }
    }

    public void Open()
    {
        listener = new(IPAddress.Loopback, Port);
        listener.Start();
        _ = AcceptAsync(listener);
    }

    /// <summary>The mails the server has accepted for the address.</summary>
    public List<MimeMessage> MailTo(string address) =>
        [
            .. Directory
                .EnumerateFiles(Path.Combine(folder, "new"))
                .Select(f => MimeMessage.Load(f))
                .Where(m => m.To.Mailboxes.Any(t => t.Address == address)),
        ];

    public void Dispose() => Close();

    private async Task AcceptAsync(TcpListener current)
    {
        try
        {
            while (true)
            {
                var client = await current.AcceptTcpClientAsync();
                _ = RelayAsync(client);
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or InvalidOperationException)
        {
            // Closed.
        }
    }

    private async Task RelayAsync(TcpClient client)
    {
        var server = new TcpClient();
        lock (gate)
        {
            Connections++;
            open.AddRange([client, server]);
        }

        try
        {
            await server.ConnectAsync(
                Environment.GetEnvironmentVariable("Mail__Host")!,
                int.Parse(
                    Environment.GetEnvironmentVariable("Mail__Port")!,
                    System.Globalization.CultureInfo.InvariantCulture
                )
            );
            var answers = server.GetStream().CopyToAsync(client.GetStream());
            await RequestsAsync(client.GetStream(), server.GetStream());
            server.Client.Shutdown(SocketShutdown.Send);
            await answers;
        }
        catch (Exception e) when (e is SocketException or IOException or ObjectDisposedException)
        {
            // One side went away.
        }
        finally
        {
            client.Dispose();
            server.Dispose();
        }
    }

    private static async Task RequestsAsync(NetworkStream from, NetworkStream to)
    {
        var buffer = new byte[65536];
        while (await from.ReadAsync(buffer) is > 0 and var read)
        {
            // MailKit sends RCPT alone unless the server offers pipelining, which aiosmtpd does not.
            if (
                System
                    .Text.Encoding.ASCII.GetString(buffer, 0, read)
                    .StartsWith("RCPT TO:<refused", StringComparison.Ordinal)
            )
            {
                await from.WriteAsync("550 5.1.1 no such mailbox\r\n"u8.ToArray());
                continue;
            }

            await to.WriteAsync(buffer.AsMemory(0, read));
        }
    }
}
