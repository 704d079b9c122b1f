using System.Security.Cryptography;
using System.Text;
using Rollcall.GraphEmulator.Model;

namespace Rollcall.GraphEmulator.Seeding;

/// <summary>Builds the property sets of typical accounts and groups.</summary>
public static class Accounts
{
    /// <summary>The same id for the same name in every run.</summary>
    public static Guid IdOf(Guid tenantId, string name)
    {
        var hash = SHA256.HashData([.. tenantId.ToByteArray(), .. Encoding.UTF8.GetBytes(name)]).AsSpan(0, 16);
        hash[7] = (byte)((hash[7] & 0x0F) | 0x40);
        hash[8] = (byte)((hash[8] & 0x3F) | 0x80);
        return new(hash);
    }

    public static Dictionary<string, byte[]> Person(
        string display,
        string given,
        string surname,
        string local,
        string domain
    ) =>
        new(StringComparer.OrdinalIgnoreCase)
        {
            ["displayName"] = JsonText.Of(display),
            ["givenName"] = JsonText.OfShared(given),
            ["surname"] = JsonText.OfShared(surname),
            ["userPrincipalName"] = JsonText.Of($"{local}@{domain}"),
            ["mail"] = JsonText.Of($"{local}@{domain}"),
            ["mailNickname"] = JsonText.Of(local),
            ["proxyAddresses"] = JsonText.OfList([$"SMTP:{local}@{domain}"]),
            ["accountEnabled"] = JsonText.True,
            ["userType"] = JsonText.OfShared("Member"),
            ["usageLocation"] = JsonText.OfShared("GB"),
            ["preferredLanguage"] = JsonText.OfShared("en-GB"),
        };

    public static Dictionary<string, byte[]> With(
        this Dictionary<string, byte[]> account,
        params ReadOnlySpan<(string Name, string? Value)> values
    )
    {
        foreach (var (name, value) in values)
        {
            account[name] = value switch
            {
                null => JsonText.Null,
                "true" => JsonText.True,
                "false" => JsonText.False,
                ['[' or '{', ..] => Encoding.UTF8.GetBytes(value),
                _ => JsonText.OfShared(value),
            };
        }

        return account;
    }

    /// <summary>An account without a person behind it: no name parts, no licence.</summary>
    public static Dictionary<string, byte[]> Resource(string display, string local, string domain, bool enabled)
    {
        var account = Person(display, "", "", local, domain);
        account.Remove("givenName");
        account.Remove("surname");
        account["accountEnabled"] = JsonText.Of(enabled);
        return account;
    }

    public static Dictionary<string, byte[]> Guest(string display, string mail, string domain, bool accepted)
    {
        var local = mail.Replace('@', '_') + "#EXT#";
        return Resource(display, local, domain, enabled: true)
            .With(
                ("mail", mail),
                ("userType", "Guest"),
                ("otherMails", $"[\"{mail}\"]"),
                ("proxyAddresses", $"[\"SMTP:{mail}\"]"),
                ("creationType", "Invitation"),
                ("externalUserState", accepted ? "Accepted" : "PendingAcceptance")
            );
    }

    public static Dictionary<string, byte[]> Security(string display) =>
        Group(display, security: true, mail: null, "[]");

    public static Dictionary<string, byte[]> Unified(string display, string local, string domain) =>
        Group(display, security: false, $"{local}@{domain}", "[\"Unified\"]");

    public static Dictionary<string, byte[]> Dynamic(string display, string rule) =>
        Group(display, security: true, mail: null, "[\"DynamicMembership\"]")
            .With(("membershipRule", rule), ("membershipRuleProcessingState", "On"));

    private static Dictionary<string, byte[]> Group(string display, bool security, string? mail, string types) =>
        new Dictionary<string, byte[]>(StringComparer.OrdinalIgnoreCase)
        {
            ["displayName"] = JsonText.Of(display),
            ["securityEnabled"] = JsonText.Of(security),
            ["mailEnabled"] = JsonText.Of(mail is not null),
            ["mailNickname"] = JsonText.Of(mail?.Split('@')[0] ?? display.Replace(" ", "", StringComparison.Ordinal)),
            ["groupTypes"] = Encoding.UTF8.GetBytes(types),
            ["createdDateTime"] = JsonText.OfShared("2023-03-01T09:00:00Z"),
        }.WithMail(mail);

    private static Dictionary<string, byte[]> WithMail(this Dictionary<string, byte[]> group, string? mail)
    {
        if (mail is not null)
        {
            group["mail"] = JsonText.Of(mail);
        }

        return group;
    }
}
