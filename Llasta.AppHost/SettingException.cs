namespace Llasta.AppHost;

/// <summary>A setting is wrong. The message is one line that names the setting and says what it must be.</summary>
public sealed class SettingException(string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>Makes this exception end the process with exit code 1 and its message instead of a stack trace.</summary>
    public static void ReportInOneLine() => AppDomain.CurrentDomain.UnhandledException += (_, unhandled) =>
    {
        if (unhandled.ExceptionObject is not SettingException wrong)
            return;
        Console.Error.WriteLine(wrong.Message);
        Environment.Exit(1);
    };
}
