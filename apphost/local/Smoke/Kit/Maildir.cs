namespace Rollcall.Local;

/// <summary>The mails that were really sent, as the mail server of a run keeps them.</summary>
public sealed class Maildir(string folder)
{
    /// <summary>Recipient and subject of each mail, by its Message-ID.</summary>
    public Dictionary<string, (string To, string Subject)> Read()
    {
        var mails = new Dictionary<string, (string, string)>(StringComparer.Ordinal);
        foreach (var file in Directory.EnumerateFiles(Path.Combine(folder, "new")))
        {
            var headers = Headers(file);
            mails[headers.GetValueOrDefault("message-id", file).Trim('<', '>')] = (
                headers.GetValueOrDefault("x-rcptto", ""),
                headers.GetValueOrDefault("subject", "")
            );
        }

        return mails;
    }

    private static Dictionary<string, string> Headers(string file)
    {
        var headers = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        var last = "";
        foreach (var line in File.ReadLines(file).TakeWhile(l => l.Length > 0))
        {
            if (line[0] is ' ' or '\t')
            {
                // A long header goes on in the next line.
                headers[last] += " " + line.Trim();
            }
            else if (line.Split(':', 2) is [var name, var value])
            {
                headers[last = name] = value.Trim();
            }
        }

        return headers;
    }
}
