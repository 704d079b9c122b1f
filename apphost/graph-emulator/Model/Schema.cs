using System.Collections.Frozen;
using System.Text.Json;

namespace Rollcall.GraphEmulator.Model;

/// <summary>The properties of one Graph type: their names, their places in a value array, and masks made of them.</summary>
public sealed class Schema
{
    /// <summary>The one navigation property a delta stream can select: manager for users, members for groups.</summary>
    public const ulong Navigation = 1UL << 63;

    public static readonly Schema Users = new(
        "users",
        "#microsoft.graph.user",
        "manager",
        [
            "businessPhones displayName givenName jobTitle mail mobilePhone officeLocation preferredLanguage surname",
            "userPrincipalName",
        ],
        [
            "accountEnabled userType department companyName employeeId employeeType employeeHireDate usageLocation",
            "employeeLeaveDateTime country city state streetAddress postalCode proxyAddresses otherMails mailNickname",
            "createdDateTime externalUserState externalUserStateChangeDateTime onPremisesSyncEnabled",
            "onPremisesImmutableId onPremisesExtensionAttributes assignedLicenses creationType ageGroup",
        ]
    );

    public static readonly Schema Groups = new(
        "groups",
        "#microsoft.graph.group",
        "members",
        [
            "classification createdDateTime description displayName groupTypes isAssignableToRole mail mailEnabled",
            "mailNickname membershipRule membershipRuleProcessingState onPremisesSyncEnabled proxyAddresses",
            "securityEnabled visibility",
        ],
        []
    );

    private readonly FrozenDictionary<string, int> places;

    private Schema(string collection, string odataType, string navigation, string[] defaults, string[] others)
    {
        var first = string.Join(' ', defaults).Split(' ');
        string[] all = [.. first, .. others.SelectMany(line => line.Split(' '))];
        Collection = collection;
        OdataType = JsonEncodedText.Encode(odataType);
        NavigationName = navigation;
        NavigationDelta = JsonEncodedText.Encode(navigation + "@delta");
        Names = [.. all.Select(name => JsonEncodedText.Encode(name))];
        DefaultMask = (1UL << first.Length) - 1;
        AllMask = (1UL << all.Length) - 1;
        places = all.Index()
            .ToFrozenDictionary(pair => pair.Item, pair => pair.Index, StringComparer.OrdinalIgnoreCase);
    }

    public string Collection { get; }
    public JsonEncodedText OdataType { get; }
    public string NavigationName { get; }
    public JsonEncodedText NavigationDelta { get; }
    public JsonEncodedText[] Names { get; }
    public ulong DefaultMask { get; }
    public ulong AllMask { get; }
    public int Count => Names.Length;

    /// <summary>The place of a property in a value array, or -1 when the type has no such property.</summary>
    public int Place(string name) => places.GetValueOrDefault(name, -1);
}
