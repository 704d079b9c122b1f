using Rollcall.GraphEmulator.Model;

namespace Rollcall.GraphEmulator.Seeding;

/// <summary>A manufacturer of some fifty accounts with most of what makes real directories awkward.</summary>
public static class Fabrikam
{
    public static readonly Guid Id = new("fab00000-0000-4000-8000-000000000001");

    private const string People = """
        Helena|Brandt|Chief Executive Officer|Executive||London|United Kingdom
        Marcus|Okafor|Chief Financial Officer|Executive|helena.brandt|London|United Kingdom
        Priya|Raman|Chief Operating Officer|Executive|helena.brandt|London|United Kingdom
        Søren|Lindqvist|Chief Technology Officer|Executive|helena.brandt|Leeds|United Kingdom
        Tomasz|Wójcik|Finance Manager|Finance|marcus.okafor|London|United Kingdom
        Amelia|Shaw|Accounts Payable Clerk|Finance|tomasz.wojcik|London|United Kingdom
        Callum|Price|Accounts Receivable Clerk|Finance|tomasz.wojcik|London|United Kingdom
        Ngozi|Eze|Payroll Officer|Finance|tomasz.wojcik|London|United Kingdom
        Beatriz|Gonçalves|Financial Controller|Finance|tomasz.wojcik|London|United Kingdom
        Ruth|Adeyemi|Head of People|Human Resources|priya.raman|London|United Kingdom
        Oliver|Hart|HR Adviser|Human Resources|ruth.adeyemi|London|United Kingdom
        Mei|Tanaka|Talent Partner|Human Resources|ruth.adeyemi|London|United Kingdom
        Zoë|Müller|IT Manager|IT|soren.lindqvist|Leeds|United Kingdom
        Arjun|Patel|Systems Engineer|IT|zoe.muller|Leeds|United Kingdom
        Łukasz|Nowak|Service Desk Analyst|IT|zoe.muller|Leeds|United Kingdom
        Chloe|Bennett|Service Desk Analyst|IT|zoe.muller|Leeds|United Kingdom
        Dominic|Farrell|Sales Director|Sales|helena.brandt|Bristol|United Kingdom
        Isla|Morgan|Account Executive|Sales|dominic.farrell|Bristol|United Kingdom
        Jack|Connolly|Account Executive|Sales|dominic.farrell|Bristol|United Kingdom
        Fatima|Al-Sayed|Account Executive|Sales|dominic.farrell|Bristol|United Kingdom
        Étienne|Laurent|Sales Engineer|Sales|dominic.farrell|Bristol|France
        Grace|O'Neill|Sales Coordinator|Sales|dominic.farrell|Bristol|United Kingdom
        Henrik|Dahl|Production Manager|Operations|priya.raman|Leeds|United Kingdom
        Jasmine|Walker|Shift Supervisor|Operations|henrik.dahl|Leeds|United Kingdom
        Karl|Weiß|Shift Supervisor|Operations|henrik.dahl|Leeds|United Kingdom
        Leah|Simmons|Machine Operator|Operations|jasmine.walker|Leeds|United Kingdom
        Mohammed|Iqbal|Machine Operator|Operations|jasmine.walker|Leeds|United Kingdom
        Nina|Petrova|Machine Operator|Operations|karl.weiss|Leeds|United Kingdom
        Owen|Griffiths|Maintenance Technician|Operations|karl.weiss|Leeds|United Kingdom
        Paula|Reyes|Warehouse Lead|Operations|henrik.dahl|Leeds|United Kingdom
        Quentin|Blake|Warehouse Operative|Operations|paula.reyes|Leeds|United Kingdom
        Rosa|Ferrari|Marketing Manager|Marketing|dominic.farrell|London|United Kingdom
        Samuel|Boateng|Content Designer|Marketing|rosa.ferrari|London|United Kingdom
        """;

    public static void Fill(Tenant tenant)
    {
        var demo = new DemoTenant(tenant);
        demo.People(People);
        Others(demo);
        Oddities(tenant, demo);
        Groups(tenant, demo);
    }

    private static void Others(DemoTenant demo)
    {
        var domain = "fabrikam.example";
        demo.Add(
            "adm-zoe.muller",
            Accounts.Person("ADM Zoë Müller", "Zoë", "Müller", "adm-zoe.muller", domain),
            purpose: null
        );
        demo.Add(
            "adm-arjun.patel",
            Accounts.Person("ADM Arjun Patel", "Arjun", "Patel", "adm-arjun.patel", domain),
            purpose: null
        );
        demo.Add("breakglass", Accounts.Resource("Break Glass", "breakglass", domain, enabled: true), purpose: null);
        foreach (var (given, surname) in new[] { ("Victor", "Hale"), ("Wendy", "Cho") })
        {
            var local = DemoTenant.Local($"{given}.{surname}");
            var contractor = Accounts.Person($"{given} {surname} (Contractor)", given, surname, local, domain);
            demo.Add(
                local,
                contractor.With(
                    ("employeeType", "Contractor"),
                    ("department", "IT"),
                    ("companyName", "Northwind Staffing")
                )
            );
        }

        demo.Guest("Alex Kim (Auditor)", "alex.kim@auditors.example");
        demo.Guest("Dana Frost", "dana.frost@supplier.example");
        demo.Guest("New Partner", "partner@reseller.example", accepted: false);
        demo.Resource("Accounts Mailbox", "accounts", "shared");
        demo.Resource("Sales Enquiries", "sales", "shared");
        demo.Resource("Careers", "careers", "shared", enabled: true);
        demo.Resource("Boardroom", "room-boardroom", "room");
        demo.Resource("Projector Cart", "equip-projector", "equipment");
        demo.Resource("Backup Service", "svc-backup", null, enabled: true);
        demo.Resource("Scanner Relay", "svc-scanner", "user", enabled: true);
    }

    private static void Oddities(Tenant tenant, DemoTenant demo)
    {
        // Left, but the account was only disabled and kept its groups and licence.
        var leaver = Accounts.Person("Graham Pike", "Graham", "Pike", "graham.pike", tenant.Domain);
        demo.Add(
            "graham.pike",
            leaver.With(("accountEnabled", "false"), ("department", "Sales"), ("employeeType", "Employee"))
        );

        var noMail = Accounts.Person("李 小龍", "小龍", "李", "li.xiaolong", tenant.Domain);
        noMail.Remove("mail");
        noMail.Remove("proxyAddresses");
        demo.Add("li.xiaolong", noMail.With(("department", "Operations"), ("employeeType", "Employee")), purpose: null);

        var shared = $"[\"SMTP:{{0}}@{tenant.Domain}\",\"smtp:info@{tenant.Domain}\"]";
        tenant.Patch(
            demo["isla.morgan"],
            "proxyAddresses",
            System.Text.Encoding.UTF8.GetBytes(shared.Replace("{0}", "isla.morgan", StringComparison.Ordinal))
        );
        tenant.Patch(
            demo["jack.connolly"],
            "proxyAddresses",
            System.Text.Encoding.UTF8.GetBytes(shared.Replace("{0}", "jack.connolly", StringComparison.Ordinal))
        );
        tenant.Patch(demo["grace.oneill"], "department", JsonText.Null);
        tenant.Patch(demo["quentin.blake"], "onPremisesSyncEnabled", JsonText.True);
        tenant.Patch(
            demo["quentin.blake"],
            "onPremisesExtensionAttributes",
            "{\"extensionAttribute1\":\"shop-floor\"}"u8.ToArray()
        );
    }

    private static void Groups(Tenant tenant, DemoTenant demo)
    {
        var staff = tenant.Users.Where(user => user.Text("employeeType") == "Employee").ToList();
        demo.Group("all-staff", Accounts.Unified("All Staff", "all-staff", tenant.Domain), staff);
        var finance = demo.Group("finance", Accounts.Security("Finance Team"), demo.Department("Finance"));
        var executives = demo.Group("executives", Accounts.Security("Executives"), demo.Department("Executive"));
        demo.Group("high-risk", Accounts.Security("High Risk Roles"), finance, executives, demo["ruth.adeyemi"]);
        demo.Group(
            "it-admins",
            Accounts.Security("IT Administrators"),
            demo["adm-zoe.muller"],
            demo["adm-arjun.patel"]
        );
        demo.Group("contractors", Accounts.Security("Contractors"), demo["victor.hale"], demo["wendy.cho"]);
        demo.Group(
            "sales",
            Accounts.Dynamic("Sales (dynamic)", "(user.department -eq \"Sales\")"),
            demo.Department("Sales")
        );
        demo.Group("empty", Accounts.Security("Old Project"));
        var operations = demo.Group("operations", Accounts.Security("Operations"), demo.Department("Operations"));
        var night = demo.Group(
            "night-shift",
            Accounts.Security("Night Shift"),
            demo["karl.weiss"],
            demo["nina.petrova"],
            operations
        );

        // A cycle: each of the two is a member of the other.
        tenant.AddMember(operations, night);
    }
}
