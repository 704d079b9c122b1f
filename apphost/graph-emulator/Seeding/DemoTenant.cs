using System.Globalization;
using Rollcall.GraphEmulator.Model;

namespace Rollcall.GraphEmulator.Seeding;

/// <summary>Fills a demo tenant from tables of people, accounts and groups; ids come from names.</summary>
public sealed class DemoTenant(Tenant tenant)
{
    private const string Licence = "[{\"disabledPlans\":[],\"skuId\":\"f245ecc8-75af-4f8e-b61f-27d8114de5f3\"}]";
    private readonly Dictionary<string, User> byLocal = new(StringComparer.Ordinal);

    public User this[string local] => byLocal[local];

    /// <summary>One line per person: given | surname | title | department | manager's local part | office | country.</summary>
    public void People(string lines)
    {
        foreach (var (number, line) in lines.Split('\n', StringSplitOptions.RemoveEmptyEntries).Index())
        {
            var cells = line.Split('|', StringSplitOptions.TrimEntries);
            var (given, surname) = (cells[0], cells[1]);
            var local = Local($"{given}.{surname}");
            var hired = new DateTimeOffset(
                2015 + number % 11,
                1 + number % 12,
                1 + number % 28,
                0,
                0,
                0,
                TimeSpan.Zero
            );
            var account = Accounts
                .Person($"{given} {surname}", given, surname, local, tenant.Domain)
                .With(
                    ("jobTitle", cells[2]),
                    ("department", cells[3]),
                    ("officeLocation", cells[5]),
                    ("country", cells[6]),
                    ("city", cells[5]),
                    ("companyName", tenant.Name),
                    ("employeeId", (1001 + number).ToString(CultureInfo.InvariantCulture)),
                    ("employeeType", "Employee"),
                    ("assignedLicenses", Licence)
                );
            account["employeeHireDate"] = JsonText.Of(hired);
            account["createdDateTime"] = JsonText.Of(hired.AddDays(-7));
            var user = Add(local, account);
            tenant.SetManager(user, cells[4] is "" ? null : byLocal[cells[4]]);
        }
    }

    public User Add(string local, Dictionary<string, byte[]> account, string? purpose = "user")
    {
        account.TryAdd("createdDateTime", JsonText.OfShared("2022-06-01T08:00:00Z"));
        var user = tenant.CreateUser(Accounts.IdOf(tenant.Id, local), account);
        user.MailboxPurpose = purpose;
        byLocal.Add(local, user);
        return user;
    }

    public User Resource(string display, string local, string? purpose, bool enabled = false) =>
        Add(local, Accounts.Resource(display, local, tenant.Domain, enabled), purpose);

    public User Guest(string display, string mail, bool accepted = true) =>
        Add(mail, Accounts.Guest(display, mail, tenant.Domain, accepted), purpose: null);

    public Group Group(string key, Dictionary<string, byte[]> properties, params IEnumerable<DirectoryObject> members)
    {
        var group = tenant.CreateGroup(Accounts.IdOf(tenant.Id, "group:" + key), properties);
        foreach (var member in members)
        {
            tenant.AddMember(group, member);
        }

        return group;
    }

    public IEnumerable<User> Department(string department) =>
        tenant.Users.Where(user => user.Text("department") == department && user.State == Existence.Active);

    /// <summary>The ASCII local part of an address: Zoë Müller → zoe.muller.</summary>
    public static string Local(string name) => string.Concat(name.ToLowerInvariant().Select(Ascii));

    // By table: normalization needs culture data, which the invariant mode of this product leaves out.
    private static string Ascii(char c) =>
        c switch
        {
            'ø' or 'ö' or 'ó' or 'ô' => "o",
            'ë' or 'é' or 'è' or 'ê' => "e",
            'ü' or 'ú' => "u",
            'å' or 'á' or 'à' or 'ä' or 'ã' => "a",
            'í' => "i",
            'ł' => "l",
            'ç' => "c",
            'ß' => "ss",
            _ when char.IsAsciiLetterOrDigit(c) || c is '.' or '-' => c.ToString(),
            _ => "",
        };
}
