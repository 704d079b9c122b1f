using System.Text;
using System.Text.Json;

namespace Rollcall.DirectorySync.Graph;

/// <summary>The user properties Rollcall reads. Their list is the delta stream's identity: another list is another stream.</summary>
public static class EntraProperties
{
    public static readonly string[] User =
    [
        "accountEnabled",
        "displayName",
        "givenName",
        "surname",
        "mail",
        "userPrincipalName",
        "userType",
        "department",
        "jobTitle",
        "companyName",
        "employeeId",
        "employeeType",
        "employeeHireDate",
        "officeLocation",
        "country",
        "city",
        "preferredLanguage",
        "usageLocation",
        "externalUserState",
        "onPremisesSyncEnabled",
        "createdDateTime",
        "proxyAddresses",
        "assignedLicenses",
        "onPremisesExtensionAttributes",
    ];

    /// <summary>The manager's place in a <see cref="PropertySet"/>, which says whether its link could be read.</summary>
    public static readonly int Manager = User.Length;

    private static readonly string[] Flags = ["accountEnabled", "onPremisesSyncEnabled"];
    private static readonly string[] Times = ["employeeHireDate", "createdDateTime"];
    private static readonly string[] Lists = ["proxyAddresses", "assignedLicenses"];
    private static readonly string[] Maps = ["onPremisesExtensionAttributes"];

    public static readonly string[] UserSelect = ["id", .. User, "manager"];
    public static readonly string[] GroupSelect =
    [
        "id",
        "displayName",
        "securityEnabled",
        "mailEnabled",
        "groupTypes",
        "members",
    ];

    /// <summary>Names the property sets of both streams; stored with the cursors.</summary>
    public static readonly string Signature = $"{string.Join(',', UserSelect)}|{string.Join(',', GroupSelect)}";

    private static readonly byte[][] Names = [.. User.Select(Encoding.UTF8.GetBytes)];

    /// <summary>The index of a property in <see cref="User"/>; -1 for one we did not ask for.</summary>
    public static int IndexOf(ref Utf8JsonReader property)
    {
        for (var i = 0; i < Names.Length; i++)
        {
            if (property.ValueTextEquals(Names[i]))
            {
                return i;
            }
        }

        return -1;
    }

    public static int IndexOf(string name) => Array.IndexOf(User, name);

    public static string NameOf(int index) => index == Manager ? "manager" : User[index];

    /// <summary>Whether the value is of the property's documented type. Null always is.</summary>
    public static bool Fits(int index, ref Utf8JsonReader value)
    {
        var name = User[index];
        return value.TokenType == JsonTokenType.Null
            || (
                Flags.Contains(name) ? value.TokenType is JsonTokenType.True or JsonTokenType.False
                : Lists.Contains(name) ? value.TokenType == JsonTokenType.StartArray
                : Maps.Contains(name) ? value.TokenType == JsonTokenType.StartObject
                : value.TokenType == JsonTokenType.String
                    && (!Times.Contains(name) || value.TryGetDateTimeOffset(out _))
            );
    }
}
