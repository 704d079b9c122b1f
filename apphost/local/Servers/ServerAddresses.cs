using System.Text.Json;

namespace Rollcall.Local.Servers;

/// <summary>Where the servers are: what <c>servers --out</c> writes and the services are given.</summary>
public sealed record ServerAddresses(string Postgres, string Redis, string Rabbitmq, MailAddress Mail)
{
    public string ToJson() => JsonSerializer.Serialize(this, Json.Readable) + "\n";
}

/// <summary>Where mail is taken, and the Maildir it is kept in.</summary>
public sealed record MailAddress(string Host, int Port, string Folder);
