using System.Globalization;
using Rollcall.Api.Directory.V1;

namespace Rollcall.ScopeRules.Rules;

public enum PropertyType
{
    Text,
    Flag,
    Number,
    Groups,
}

/// <summary>What a rule looks at: a user, the groups of the roster by their id, and inside -any and -all one of them.</summary>
public sealed record RuleSubject(User User, IReadOnlyDictionary<string, Group> Groups, Group? Group = null);

/// <summary>Something a rule can ask of a user or a group, under the name Entra gives it.</summary>
public sealed class RuleProperty
{
    private static readonly List<RuleProperty> UserProperties = [.. EntraProperties(), .. OwnProperties()];

    private static readonly List<RuleProperty> GroupProperties =
    [
        Text("group.displayName", s => s.Group!.DisplayName),
        Text("group.objectId", s => IdOf(s.Group!.ExternalId, s.Group.Id)),
    ];

    /// <summary>Other spellings, mostly Graph's.</summary>
    private static readonly Dictionary<string, string> Aliases = new(StringComparer.OrdinalIgnoreCase)
    {
        ["user.officeLocation"] = "user.physicalDeliveryOfficeName",
        ["user.id"] = "user.objectId",
        ["group.id"] = "group.objectId",
    };

    private static readonly Dictionary<string, RuleProperty> ByName = UserProperties
        .Concat(GroupProperties)
        .ToDictionary(p => p.Name, StringComparer.OrdinalIgnoreCase);

    private readonly Func<RuleSubject, RuleValue> read;

    private RuleProperty(string name, PropertyType type, Func<RuleSubject, RuleValue> read)
    {
        Name = name;
        Type = type;
        this.read = read;
    }

    /// <summary>As it is written: user.department.</summary>
    public string Name { get; }
    public PropertyType Type { get; }
    public bool IsOfGroup => Name.StartsWith("group.", StringComparison.Ordinal);

    public static IEnumerable<RuleProperty> All => ByName.Values;

    public static RuleProperty? Find(string name) => ByName.GetValueOrDefault(Aliases.GetValueOrDefault(name, name));

    public RuleValue Of(RuleSubject subject) => read(subject);

    private static IEnumerable<RuleProperty> EntraProperties() =>
        [
            new("user.accountEnabled", PropertyType.Flag, s => new FlagValue(s.User.State == UserState.Active)),
            new("user.memberOf", PropertyType.Groups, _ => NullValue.Instance),
            Text("user.objectId", s => IdOf(s.User.ExternalId, s.User.Id)),
            Text("user.displayName", s => s.User.DisplayName),
            Text("user.givenName", s => s.User.GivenName),
            Text("user.surname", s => s.User.Surname),
            Text("user.mail", s => s.User.Mail),
            Text("user.userPrincipalName", s => s.User.UserPrincipalName),
            Text("user.userType", s => s.User.UserType),
            Text("user.department", s => s.User.Department),
            Text("user.jobTitle", s => s.User.JobTitle),
            Text("user.companyName", s => s.User.CompanyName),
            Text("user.employeeId", s => s.User.EmployeeId),
            Text("user.employeeType", s => s.User.EmployeeType),
            Text("user.physicalDeliveryOfficeName", s => s.User.OfficeLocation),
            Text("user.country", s => s.User.Country),
            Text("user.city", s => s.User.City),
            Text("user.preferredLanguage", s => s.User.PreferredLanguage),
            Text("user.usageLocation", s => s.User.UsageLocation),
            .. Enumerable.Range(1, 15).Select(ExtensionAttribute),
        ];

    private static IEnumerable<RuleProperty> OwnProperties() =>
        [
            Text("user.accountKind", s => KindName(s.User.Kind)),
            new("user.hasDirectReports", PropertyType.Flag, s => new FlagValue(s.User.DirectReports > 0)),
            new("user.directReports", PropertyType.Number, s => new NumberValue(s.User.DirectReports)),
            new("user.assignedLicenses", PropertyType.Number, s => new NumberValue(s.User.AssignedLicenses)),
        ];

    /// <summary>The value of user.accountKind.</summary>
    public static string KindName(AccountKind kind) =>
        kind switch
        {
            AccountKind.Person => "person",
            AccountKind.Guest => "guest",
            AccountKind.Contractor => "contractor",
            AccountKind.SharedMailbox => "sharedMailbox",
            AccountKind.Resource => "resource",
            AccountKind.Service => "service",
            AccountKind.Admin => "admin",
            AccountKind.Unspecified => "",
        };

    private static RuleProperty ExtensionAttribute(int number)
    {
        var key = string.Create(CultureInfo.InvariantCulture, $"extensionAttribute{number}");
        return Text($"user.{key}", s => s.User.ExtensionAttributes.GetValueOrDefault(key, ""));
    }

    private static RuleProperty Text(string name, Func<RuleSubject, string> read) =>
        new(name, PropertyType.Text, s => read(s) is { Length: > 0 } text ? new TextValue(text) : NullValue.Instance);

    /// <summary>Entra's object id; entries of other sources have none and are named by Rollcall's.</summary>
    private static string IdOf(string externalId, string id) => externalId.Length > 0 ? externalId : id;
}
