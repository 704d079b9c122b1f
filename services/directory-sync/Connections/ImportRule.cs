using System.Text.Json;
using Google.Protobuf.Collections;
using Rollcall.Api.Directory.V1;
using Rollcall.DirectorySync.Graph;
using Rollcall.Platform;

namespace Rollcall.DirectorySync.Connections;

/// <summary>One condition on a property of a person.</summary>
public sealed record ImportTerm(string Property, ImportOperator Operator, List<string> Values);

/// <summary>Conditions that all hold for those who are imported. No I/O.</summary>
public sealed class ImportRule(List<ImportTerm> terms)
{
    private const int MostTerms = 20;
    private const int MostValues = 100;
    private const string Extension = "extensionAttribute";
    private static readonly int Extensions = EntraProperties.IndexOf("onPremisesExtensionAttributes");

    private static readonly string[] Properties =
    [
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
        "officeLocation",
        "country",
        "city",
        "preferredLanguage",
        "usageLocation",
        .. Enumerable.Range(1, 15).Select(i => $"{Extension}{i}"),
    ];

    /// <summary>Places of the properties it looks at.</summary>
    public int[] Places { get; } = [.. terms.Select(t => PlaceOf(t.Property)).Distinct()];

    public List<ImportTerm> Terms => terms;

    public static ImportRule Read(RepeatedField<ImportCondition> conditions, bool wanted)
    {
        const string field = "scope.conditions";
        return (wanted, conditions.Count) switch
        {
            (true, 0) => throw AppException.Invalid(field, "must have at least one condition"),
            (false, > 0) => throw AppException.Invalid(field, "must be empty unless people are imported by conditions"),
            (_, > MostTerms) => throw AppException.Invalid(field, $"must not have more than {MostTerms} conditions"),
            _ => new([.. conditions.Select((c, i) => Read(c, $"{field}[{i}]"))]),
        };
    }

    public static ImportRule FromJson(string json) => new(JsonSerializer.Deserialize<List<ImportTerm>>(json)!);

    public string ToJson() => JsonSerializer.Serialize(terms);

    public bool Covers(PropertySet person) => terms.TrueForAll(t => Holds(t, ValueOf(person, t.Property)));

    private static ImportTerm Read(ImportCondition condition, string field)
    {
        if (!Properties.Contains(condition.Property, StringComparer.Ordinal))
        {
            throw AppException.Invalid($"{field}.property", $"must be one of {string.Join(", ", Properties)}");
        }

        if (condition.Operator == ImportOperator.Unspecified || !Enum.IsDefined(condition.Operator))
        {
            throw AppException.Invalid($"{field}.operator", "is required");
        }

        if (condition.Values.Count is 0 or > MostValues)
        {
            throw AppException.Invalid($"{field}.values", $"must have 1 to {MostValues} values");
        }

        var values = condition.Values.Select((v, i) => Requests.Text(v, $"{field}.values[{i}]", maxLength: 200));
        return new(condition.Property, condition.Operator, [.. values]);
    }

    private static bool Holds(ImportTerm term, string value) =>
        term.Operator switch
        {
            ImportOperator.In => term.Values.Contains(value, StringComparer.OrdinalIgnoreCase),
            ImportOperator.NotIn => !term.Values.Contains(value, StringComparer.OrdinalIgnoreCase),
            ImportOperator.StartsWith => term.Values.Exists(v =>
                value.StartsWith(v, StringComparison.OrdinalIgnoreCase)
            ),
            ImportOperator.Contains => term.Values.Exists(v => value.Contains(v, StringComparison.OrdinalIgnoreCase)),
            ImportOperator.Unspecified => throw new InvalidOperationException("A condition without an operator"),
        };

    private static int PlaceOf(string property) =>
        property.StartsWith(Extension, StringComparison.Ordinal) ? Extensions : EntraProperties.IndexOf(property);

    private static string ValueOf(PropertySet person, string property)
    {
        var value = person.Get(PlaceOf(property)) ?? "";
        if (PlaceOf(property) != Extensions || value.Length == 0)
        {
            return value.Trim();
        }

        using var map = JsonDocument.Parse(value);
        return map.RootElement.TryGetProperty(property, out var one) && one.ValueKind == JsonValueKind.String
            ? one.GetString()!.Trim()
            : "";
    }
}
