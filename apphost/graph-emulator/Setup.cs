using System.Security.Cryptography.X509Certificates;
using Rollcall.GraphEmulator.Model;
using Rollcall.GraphEmulator.Seeding;

namespace Rollcall.GraphEmulator;

/// <summary>Brings the emulation to its first state from configuration (section Emulator).</summary>
public static class Setup
{
    public static Emulation Create(IConfiguration configuration, EmulatorClock clock)
    {
        var emulation = new Emulation(clock);
        foreach (var section in configuration.GetSection("Emulator:Apps").GetChildren())
        {
            var app = App(section);
            emulation.Apps[app.ClientId] = app;
        }

        if (configuration["Emulator:StateFile"] is { Length: > 0 } file && File.Exists(file))
        {
            StateFile.Read(emulation, file);
            return emulation;
        }

        switch (configuration["Emulator:Seed"] ?? "demo")
        {
            case "demo":
                SeedDemo(emulation);
                break;
            case "none":
                break;
            case var other:
                throw new InvalidOperationException($"Emulator:Seed is '{other}'; it can be demo or none.");
        }

        return emulation;
    }

    public static void SeedDemo(Emulation emulation)
    {
        Seed(emulation, new(Fabrikam.Id, "Fabrikam", "fabrikam.example", emulation.Clock), Fabrikam.Fill);
        Seed(emulation, new(Contoso.Id, "Contoso", "contoso.example", emulation.Clock), Contoso.Fill);
    }

    private static void Seed(Emulation emulation, Tenant tenant, Action<Tenant> fill)
    {
        tenant.Recording = false;
        fill(tenant);
        tenant.Recording = true;
        emulation.Add(tenant);
    }

    private static AppRegistration App(IConfigurationSection section)
    {
        var app = new AppRegistration
        {
            ClientId =
                section["ClientId"] ?? throw new InvalidOperationException($"{section.Path}:ClientId is missing."),
            Secret = section["Secret"],
        };
        if (section["CertificateFile"] is { Length: > 0 } file)
        {
            app.Certificates.Add(X509Certificate2.CreateFromPem(File.ReadAllText(file)));
        }

        if (section.GetSection("Permissions").Get<List<string>>() is { Count: > 0 } permissions)
        {
            app.Permissions = permissions;
        }

        return app;
    }
}
