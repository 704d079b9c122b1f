using System.Globalization;
using System.Text.Json;
using Google.Protobuf.WellKnownTypes;
using Rollcall.Api.Directory.V1;
using Rollcall.DirectorySync.Graph;

namespace Rollcall.DirectorySync.Sync;

/// <summary>A user as read from the roster. What takes longest to make of it can be made while the next are read.</summary>
/// <param name="User">Without what the others say.</param>
/// <param name="Properties">The directory's, as JSON.</param>
/// <param name="Groups">In a round the object ids of direct ones, else the ids of all.</param>
public sealed record UserRow(User User, byte[] Properties, Guid[] Groups)
{
    /// <param name="above">In a round.</param>
    public User ToUser(GroupsAbove? above = null)
    {
        if (above is null)
        {
            User.GroupIds.AddRange(Groups.Select(g => g.ToString()));
        }
        else
        {
            above.Add(Groups, User.GroupIds);
        }

        Fill(User, PropertySet.FromJson(Properties));
        return User;
    }

    private static void Fill(User user, PropertySet properties)
    {
        user.GivenName = properties["givenName"] ?? "";
        user.Surname = properties["surname"] ?? "";
        user.UserPrincipalName = properties["userPrincipalName"] ?? "";
        user.UserType = properties["userType"] ?? "";
        user.Department = properties["department"] ?? "";
        user.JobTitle = properties["jobTitle"] ?? "";
        user.CompanyName = properties["companyName"] ?? "";
        user.EmployeeId = properties["employeeId"] ?? "";
        user.EmployeeType = properties["employeeType"] ?? "";
        user.OfficeLocation = properties["officeLocation"] ?? "";
        user.Country = properties["country"] ?? "";
        user.City = properties["city"] ?? "";
        user.PreferredLanguage = properties["preferredLanguage"] ?? "";
        user.UsageLocation = properties["usageLocation"] ?? "";
        user.HireTime = Time(properties["employeeHireDate"]);
        user.AssignedLicenses = Length(properties["assignedLicenses"]);
        foreach (var (name, value) in Strings(properties["onPremisesExtensionAttributes"]))
        {
            user.ExtensionAttributes[name] = value;
        }
    }

    private static Timestamp? Time(string? text) =>
        DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time)
            ? time.ToTimestamp()
            : null;

    private static int Length(string? array)
    {
        if (array is null or "[]")
        {
            return 0;
        }

        using var json = JsonDocument.Parse(array);
        return json.RootElement.ValueKind == JsonValueKind.Array ? json.RootElement.GetArrayLength() : 0;
    }

    private static List<(string Name, string Value)> Strings(string? map)
    {
        if (map is null or "{}")
        {
            return [];
        }

        using var json = JsonDocument.Parse(map);
        return
        [
            .. json
                .RootElement.EnumerateObject()
                .Where(p => p.Value.ValueKind == JsonValueKind.String)
                .Select(p => (p.Name, p.Value.GetString()!)),
        ];
    }
}
